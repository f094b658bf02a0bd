"""
Workers and beat killed in the middle of deliveries, with Celery's queue in Redis and in a folder; Redis killed and away
for a while (S21, S31-S33, S39).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from tests.chaos.histories import histories
from tests.chaos.scene import Scene
from tests.chaos.servers import away
from tests.chaos.stage import address
from tests.integration.courses import badge


def killed_on_redis(scene: Scene) -> None:
    run(scene, address("REDIS_URL"), "--concurrency=2")


def killed_on_files(scene: Scene) -> None:
    run(scene, "filesystem://", "--pool=solo")


def queue_away(scene: Scene) -> None:
    run(scene, address("REDIS_URL"), "--concurrency=2", queue_dies=True)


def run(scene: Scene, broker: str, *options: str, queue_dies: bool = False) -> None:
    both = badge("AB", penalties="AB")
    scene.load(both)
    topic = scene.topic()
    published = histories(scene.chance, both, "AB", scene.learners(scene.count(150, 40)), 6)
    lines = [line for history in published.values() for line in history]

    def start(name: str) -> None:
        if name == "beat":
            schedule = f"--schedule={scene.directory / 'schedule'}"
            processes[name] = scene.celery(name, broker, "beat", "--pidfile=", schedule)
        else:
            processes[name] = scene.celery(name, broker, "worker", f"--hostname={name}@%h", *options)

    def publish_a_share() -> None:
        nonlocal sent
        scene.publish(topic, lines[sent : sent + share])
        sent += share

    def kill(name: str) -> None:
        scene.inject(f"{name} killed")
        scene.supervisor.kill(name)
        start(name)

    def lose_the_queue() -> None:
        there = scene.handled()
        with away("redis"):
            scene.inject("queue killed", note="with all that was in it")
            publish_a_share()
            # Events are handled all the same, and what they decided is announced; the rest waits.
            scene.wait("events without a queue", lambda: scene.handled() >= there + share, processes["consumer"])
        for name in [name for name, process in processes.items() if not process.running]:
            # Celery waits for Redis, but now and then ends over what it had not acknowledged yet.
            scene.inject("worker ended by itself", note=f"{name}, started again as by whatever keeps it running")
            start(name)

    processes = {"consumer": scene.consumer("consumer", topic, {"ENQUEUE": True}, CELERY_BROKER_URL=broker)}
    for name in ("worker", "other-worker", "beat"):
        start(name)
    faults: list[Callable[[], None]] = [lose_the_queue] * scene.count(2, 1)
    if not queue_dies:
        names = ["worker", "beat", *scene.chance.choices(["worker", "other-worker", "beat"], k=scene.count(4, 0))]
        faults = [partial(kill, name) for name in names]
        scene.chance.shuffle(faults)

    share, sent = len(lines) // (2 * len(faults) + 1), 0
    for inject in faults:
        middle = scene.delivered(both) + scene.chance.randrange(3, 10)
        publish_a_share()
        scene.wait("some deliveries", lambda: scene.delivered(both) >= middle, *processes.values())  # noqa: B023
        inject()
    scene.publish(topic, lines[sent:])
    scene.wait_until_consumed(topic, *processes.values())
    scene.reconcile(both, published, *processes.values())
