"""The one-machine stack: redis-server, tritonserver, the services and the workers.

`stack` starts and stops it, `addresses` says where it is, `programs` finds what it runs.
"""
