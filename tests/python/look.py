# python3 -m venv venv && venv/bin/pip install websockets && venv/bin/python look.py ws://127.0.0.1:7777/ws/meadow/main
import asyncio, json, sys, websockets


async def look(url, frames):
    async with websockets.connect(url, subprotocols=["downbeat.v1.json"]) as socket:
        await socket.send(json.dumps({"type": "hello", "name": "Looker"}))
        async for text in socket:
            message = json.loads(text)
            if message["type"] != "frame":
                print(message)
                continue
            for number, fields in message["entities"].items():
                print(message["tick"], number, fields)
            if message["events"]:
                print(message["tick"], "events", message["events"])
            # The server wants to know what was read; an input says it too.
            await socket.send(json.dumps({"type": "seen", "seen": message["tick"]}))
            frames -= 1
            if frames == 0:
                return


asyncio.run(look(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0))
