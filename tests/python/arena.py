"""Plays a game over `downbeat.v1.json` for some seconds and prints what it saw, as JSON."""
import asyncio, json, sys, websockets


async def play(url, name, seconds, inputs):
    saw = {"frames": 0, "moved": 0, "events": {}, "refused": 0, "acked": 0, "entities": 0}
    entities, me, place, seq = {}, None, None, 0
    async with websockets.connect(url, subprotocols=["downbeat.v1.json"]) as socket:
        say = lambda message: socket.send(json.dumps(message))
        await say({"type": "hello", "name": name})
        saw["welcome"] = json.loads(await socket.recv())
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            frame = json.loads(await asyncio.wait_for(socket.recv(), 5))
            if frame["type"] != "frame":
                continue
            if frame["reset"]:
                entities.clear()
            for gone in frame["removed"]:
                entities.pop(str(gone), None)
            for key, fields in frame["entities"].items():
                entities.setdefault(key, {}).update(fields)
            if isinstance(frame.get("seat"), dict):
                me = str(frame["seat"]["Avatar"])
            for event in frame["events"]:
                kind = next(iter(event)) if isinstance(event, dict) else event
                saw["events"][kind] = saw["events"].get(kind, 0) + 1
            here = entities.get(me, {}).get("pos", place)
            saw["moved"] += here != place
            saw.update(frames=saw["frames"] + 1, acked=frame["input_ack"], entities=len(entities),
                       refused=saw["refused"] + len(frame["refused"]), me=entities.get(me))
            place, seq = here, seq + 1
            await say({"type": "input", "seq": seq, "seen": frame["tick"],
                       "input": inputs[seq // 10 % len(inputs)]})
    return {**saw, "sent": seq}


if __name__ == "__main__":
    url, name, seconds, inputs = sys.argv[1:]
    print(json.dumps(asyncio.run(play(url, name, float(seconds), json.loads(inputs)))))
