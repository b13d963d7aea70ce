# Keystone reads the command line as its own, so gunicorn is told here, and finds this file in
# the folder that it is started in.
import os

wsgi_app = "keystone.wsgi.api:application"
bind = os.environ["KEYSTONE_LISTEN"]
worker_class = "gthread"
threads = 8
preload_app = True
graceful_timeout = 2
