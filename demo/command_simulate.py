"""`trikeye demo simulate`: a fleet of 1 to 1,000 vehicles over the real contract and real MQTT, against a server of its own or yours."""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from demo.simulate_fleet import Credentials, OwnServer
    from demo.simulate_light import Broker

SAID_EVERY_S = 5.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vehicles", type=int, default=20, help="1 to 1000 (default: %(default)s)")
    parser.add_argument("--minutes", type=float, default=2.0, help="how long they drive (default: %(default)s)")
    parser.add_argument("--rate", type=float, default=4.0, help="sightings a minute of each vehicle (default: %(default)s)")  # fmt: skip
    parser.add_argument("--real", type=int, default=2, help="so many of them have a real outbox and uplink (default: %(default)s)")  # fmt: skip
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--broker", metavar="URL", help="mqtt://HOST:PORT or mqtts://HOST:PORT (default: a server of its own, in a new folder)")  # fmt: skip
    parser.add_argument("--fleet", type=Path, metavar="FILE", help="with --broker: the vehicles' credentials")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="with mqtts: the authority that signed the broker's certificate")  # fmt: skip
    parser.add_argument("--write-fleet", type=Path, metavar="FILE", help="only add the vehicles to the server of this machine (TRIKEYE_DATA) and write their credentials")  # fmt: skip
    parser.add_argument("--data", type=Path, help="folder that is kept (default: a new one, kept only after a failure)")
    parser.add_argument("--drain", type=float, default=120.0, metavar="SECONDS", help="how long to wait for answers at the end (default: %(default)s)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    if wrong := _what_is_wrong(args):
        print(f"trikeye demo simulate: {wrong}", file=sys.stderr)
        return 2
    from demo.chain import ChainFailed
    from demo.simulate_fleet import BadFleet, OwnServer, add_fleet, broker_at, read_fleet

    if args.write_fleet:
        add_fleet(args.vehicles, args.write_fleet)
        print(f"{args.vehicles} vehicles; credentials in {args.write_fleet}")
        return 0
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # a socket for each vehicle, here and in the broker
    data = (args.data or Path(tempfile.mkdtemp(prefix="trikeye-simulate-"))).resolve()
    server = None if args.broker else OwnServer(data, args.vehicles)
    try:
        broker, fleet = server.start() if server else (broker_at(args.broker, args.ca), read_fleet(args.fleet, args.vehicles))  # fmt: skip
        if server:
            print(f"pages {server.url}/   data, logs {data}", file=sys.stderr, flush=True)
        result = _drive(args, data, broker, fleet, server)
    except (ChainFailed, BadFleet) as wrong:
        print(f"trikeye demo simulate: {wrong}", file=sys.stderr)
        return 1
    finally:
        if server:
            server.stop()
    print(json.dumps(result) if args.json else "\n".join(f"{key:14} {value}" for key, value in result.items()))
    if result["unanswered"]:
        print(f"trikeye demo simulate: {result['unanswered']} messages were never answered; is intake running? {data} is kept", file=sys.stderr)  # fmt: skip
        return 1
    if not args.data:
        shutil.rmtree(data, ignore_errors=True)
    return 0


def _what_is_wrong(args: argparse.Namespace) -> str:
    if not 1 <= args.vehicles <= 1000:
        return "--vehicles takes 1 to 1000"
    if args.minutes <= 0 or args.rate <= 0:
        return "--minutes and --rate take more than 0"
    if not 0 <= args.real <= min(args.vehicles, 20):
        return "--real takes 0 to 20, and not more than --vehicles; the others are light"
    if bool(args.broker) != bool(args.fleet):
        return "--broker and --fleet go together; make the file at the server: trikeye demo simulate --vehicles N --write-fleet FILE"
    return ""


def _drive(args: argparse.Namespace, data: Path, broker: Broker, fleet: Credentials, server: OwnServer | None) -> dict[str, Any]:  # fmt: skip
    from demo.simulate import Tally, figures, habits
    from demo.simulate_light import FleetLoop, Light
    from demo.simulate_real import Real

    began = datetime.now(timezone.utc) - timedelta(minutes=args.minutes)  # noqa: UP017
    everyone = [habits(args.seed, number, name, args.minutes, args.rate, began) for number, name in enumerate(fleet.names)]  # fmt: skip
    tally, began_s = Tally(), time.monotonic()
    real = [Real(each, fleet.password, broker, data / each.name) for each in everyone[: args.real]]
    for vehicle in real:
        vehicle.start()
    loop = FleetLoop([Light(each, fleet.password, broker, tally) for each in everyone[args.real :]], args.seed)
    end_s, said_s = began_s + args.minutes * 60, began_s
    longest = max((event.at_s for each in everyone for event in each.events), default=0.0)
    while True:
        now_s = time.monotonic()
        loop.step()
        for vehicle in real:
            vehicle.step()
        if server is not None:
            server.watch()
        if now_s - said_s > SAID_EVERY_S:
            said_s = now_s
            print(f"{now_s - began_s:5.0f} s · made {tally.sent} · answered {tally.answered} · real: {sum(each.unanswered for each in real)} waiting", file=sys.stderr, flush=True)  # fmt: skip
        is_empty = now_s > end_s and not loop.unanswered and not any(each.unanswered for each in real)
        if (is_empty and now_s > began_s + longest) or now_s > max(end_s, began_s + longest) + args.drain:
            break
    loop.close()
    for vehicle in real:
        vehicle.close()
        tally.add(vehicle.tally())
    return figures(tally, args.vehicles, args.real, time.monotonic() - began_s)
