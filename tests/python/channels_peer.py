"""A Django project with one consumer, as in the tutorial of Channels; told by lines of JSON what to
send, and answers by lines of JSON what its consumer was told by others.

Its one argument is the setting of CHANNEL_LAYERS["default"], as JSON.
"""
import asyncio, json, sys

import django
from django.conf import settings

settings.configure(CHANNEL_LAYERS={"default": json.loads(sys.argv[1])})
django.setup()

from asgiref.testing import ApplicationCommunicator
from channels.consumer import AsyncConsumer
from channels.exceptions import ChannelFull
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import get_channel_layer


def say(**line):
    print(json.dumps(line), flush=True)


class Heard:
    """What handlers of events were told, by consumer."""

    numbers = {"consumer": [], "worker": []}
    kinds = []


class Player(AsyncJsonWebsocketConsumer):
    async def connect(self):
        await self.channel_layer.group_add("lobby", self.channel_name)
        await self.accept()
        say(channel=self.channel_name)

    async def disconnect(self, code):
        await self.channel_layer.group_discard("lobby", self.channel_name)

    async def test_number(self, event):
        Heard.numbers["consumer"].append(event["n"])

    async def test_kinds(self, event):
        Heard.kinds.append(event)


class Worker(AsyncConsumer):
    async def test_number(self, event):
        Heard.numbers["worker"].append(event["n"])


async def flood(send, count, pace):
    """Sends, but not faster than a queue of capacity holds: `pace` at once, then a breath."""
    for n in range(count):
        while True:
            try:
                await send({"type": "test.number", "n": n})
                break
            except ChannelFull:
                await asyncio.sleep(0.01)
        if n % pace == pace - 1:
            await asyncio.sleep(0.002)


async def work(layer):
    worker = Worker()
    while True:
        event = await layer.receive("chores")
        await worker.test_number(event)


async def main():
    layer = get_channel_layer()
    consumer = ApplicationCommunicator(Player.as_asgi(), {"type": "websocket", "path": "/ws/lobby/"})
    await consumer.send_input({"type": "websocket.connect"})
    accepted = await consumer.receive_output(timeout=20)
    assert accepted["type"] == "websocket.accept", accepted
    working = asyncio.ensure_future(work(layer))
    await asyncio.sleep(0.3)  # until the worker reads
    say(ready=True)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        order = json.loads(line)
        match order["do"]:
            case "group_send":
                send = lambda event: layer.group_send(order["group"], event)
                await flood(send, order["count"], order["pace"])
                say(sent=order["count"])
            case "send":
                send = lambda event: layer.send(order["channel"], event)
                await flood(send, order["count"], order["pace"])
                say(sent=order["count"])
            case "kinds":
                await layer.group_send(order["group"], {
                    "type": "test.kinds", "bytes": b"\x00\xff", "text": "Grüße", "whole": -(2**63),
                    "point": 1.5, "list": [1, "two", None], "map": {"yes": True}, "none": None,
                })
                say(sent=1)
            case "heard":
                # Until it has so many, or nothing comes any more.
                whose, before = order["whose"], -1
                numbers = Heard.numbers[whose]
                while len(numbers) < order["count"] and len(numbers) > before:
                    before = len(numbers)
                    await asyncio.sleep(order.get("patience", 6))
                say(numbers=numbers)
                Heard.numbers[whose] = []
            case "kinds_heard":
                while not Heard.kinds:
                    await asyncio.sleep(0.01)
                say(kinds=repr(sorted(Heard.kinds.pop().items())))
    working.cancel()
    await consumer.send_input({"type": "websocket.disconnect", "code": 1000})
    await consumer.wait(timeout=5)


asyncio.run(main())
