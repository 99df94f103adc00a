"""Works as long as `?MS` says; answers who did it, in which turn, and how many were at work at most."""

import json
import os
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOCK = threading.Lock()
NOW = {"turn": 0, "at_work": 0, "most": 0}


class Worker(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        with LOCK:
            NOW["turn"] += 1
            NOW["at_work"] += 1
            NOW["most"] = max(NOW["most"], NOW["at_work"])
            turn = NOW["turn"]
        time.sleep(int(self.path.partition("?")[2] or 0) / 1000)
        with LOCK:
            NOW["at_work"] -= 1
            most = NOW["most"]
        body = json.dumps({"pod": socket.gethostname(), "turn": turn, "most": most}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


ThreadingHTTPServer.request_queue_size = 128
ThreadingHTTPServer(("", int(os.environ["PORT"])), Worker).serve_forever()
