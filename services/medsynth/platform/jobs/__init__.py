"""Jobs that are never lost: record, transitions, lease, events, reconciler, worker, child.

`store` holds the truth (in Redis), `announce` carries hints (through Celery), `worker` and
`supervisor` run a job's `child` process, `reconciler` mends what broke, and `resource` is what
the services' methods call. A child imports `child` and `kinds` alone.
"""
