"""django-hordak's two-legged transfer, through its own interface; run by the peer's own Python.

peer_client.py SOCKET_FOLDER DATABASE prepare
peer_client.py SOCKET_FOLDER DATABASE run PROCESSES THREADS SECONDS
"""

# ruff: noqa: PLC0415 (Django's modules can't be imported before its settings are there)

import json
import multiprocessing
import random
import sys
import threading
import time

ACCOUNTS = 1_000


def _set_up(socket_folder: str, database: str) -> None:
    import django
    from django.conf import settings

    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "mptt", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "HOST": socket_folder,
                "NAME": database,
                "USER": "postgres",
            }
        },
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        DEFAULT_CURRENCY="EUR",
        CURRENCIES=["EUR"],
        USE_TZ=True,
    )
    django.setup()


def _prepare() -> None:
    from django.core.management import call_command
    from hordak.models import Account

    call_command("migrate", verbosity=0)
    for number in range(ACCOUNTS):
        Account.objects.create(
            name=f"Account {number}", code=str(number), currencies=["EUR"], type="LI"
        )


def _transfer(where: tuple[str, str], threads: int, start: float, seconds: float, queue) -> None:
    _set_up(*where)
    from django.db import connection, transaction
    from hordak.models import Account
    from moneyed import Money

    accounts = list(Account.objects.all())
    made = [0] * threads

    def transfer_until(number: int) -> None:
        connection.ensure_connection()
        time.sleep(max(0.0, start - time.monotonic()))
        while time.monotonic() < start + seconds:
            giver, taker = random.sample(accounts, 2)
            with transaction.atomic():
                giver.transfer_to(taker, Money(1, "EUR"))
            made[number] += 1
        connection.close()

    if time.monotonic() > start:
        raise RuntimeError("started too late")
    running = [threading.Thread(target=transfer_until, args=(each,)) for each in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    queue.put((sum(made), time.monotonic() - start))


def _run(where: tuple[str, str], processes: int, threads: int, seconds: float) -> None:
    spawned = multiprocessing.get_context("spawn")
    queue = spawned.Queue()
    start = time.monotonic() + 5
    running = [
        spawned.Process(target=_transfer, args=(where, threads, start, seconds, queue))
        for _ in range(processes)
    ]
    for process in running:
        process.start()
    told = [queue.get(timeout=seconds + 60) for _ in running]
    for process in running:
        process.join()
    print(
        json.dumps(
            {"made": sum(each[0] for each in told), "seconds": max(each[1] for each in told)}
        )
    )


if __name__ == "__main__":
    folder, database, what, *numbers = sys.argv[1:]
    if what == "prepare":
        _set_up(folder, database)
        _prepare()
    else:
        _run((folder, database), *map(int, numbers))
