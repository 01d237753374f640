"""A daemon that returns its metrics from a D-Bus method, written with the standard library alone.

    python3 examples/dbus_daemon.py unix:path=/run/mydaemon/bus

Real daemons use a library (sd-bus, GDBus, zbus, python-sdbus) for what this file does by hand.
It owns the name com.example.Queue and has one method, com.example.Queue.Metrics.PromMetrics,
which returns the body as an array of bytes (ay).
"""

import os
import socket
import struct
import sys
import time

NAME = "com.example.Queue"
PATH = "/com/example/Queue"
INTERFACE = "com.example.Queue.Metrics"
BUS = "org.freedesktop.DBus"

# Message types and header fields of the D-Bus specification.
CALL, RETURN, ERROR = 1, 2, 3
FIELD_PATH, FIELD_INTERFACE, FIELD_MEMBER, FIELD_ERROR = 1, 2, 3, 4
FIELD_REPLY_SERIAL, FIELD_DESTINATION, FIELD_SENDER, FIELD_SIGNATURE = 5, 6, 7, 8

ORDER, MARK = ("<", b"l") if sys.byteorder == "little" else (">", b"B")


def body():
    return b"# TYPE queue_length gauge\nqueue_length 3\n"


def number(value):
    return struct.pack(ORDER + "I", value)


def string(text):
    return number(len(text.encode())) + text.encode() + b"\0"


def signature(text):
    return bytes([len(text)]) + text.encode() + b"\0"


def pad(data, to):
    return data + b"\0" * (-len(data) % to)


def message(kind, serial, fields, content=b""):
    header = b""
    for code, kind_of_value, value in fields:
        header = pad(header, 8) + bytes([code]) + signature(kind_of_value) + value
    start = MARK + bytes([kind, 0, 1]) + number(len(content)) + number(serial) + number(len(header))
    return pad(start + header, 8) + content


def call(serial, member, *fields, content=b""):
    to_the_bus = [
        (FIELD_PATH, "o", string("/org/freedesktop/DBus")),
        (FIELD_DESTINATION, "s", string(BUS)),
        (FIELD_INTERFACE, "s", string(BUS)),
        (FIELD_MEMBER, "s", string(member)),
    ]
    return message(CALL, serial, to_the_bus + list(fields), content)


def receive(stream):
    """The type, the serial and the header fields of the next message."""
    start = stream.read(16)
    if len(start) < 16:
        sys.exit("the bus closed the connection")
    kind = start[1]
    length, serial, header_length = struct.unpack(ORDER + "III", start[4:])
    header = stream.read(header_length + -header_length % 8)
    stream.read(length)
    fields, at = {}, 0
    while at < header_length:
        at += -at % 8
        code, kind_of_value = header[at], chr(header[at + 2])
        at += 4
        if kind_of_value == "u":
            fields[code] = struct.unpack_from(ORDER + "I", header, at)[0]
            at += 4
        elif kind_of_value == "g":
            at += header[at] + 2
        else:
            (size,) = struct.unpack_from(ORDER + "I", header, at)
            fields[code] = header[at + 4 : at + 4 + size].decode()
            at += size + 5
    return kind, serial, fields


def reply(serial, to, fields):
    """The response to a method call."""
    address = [
        (FIELD_REPLY_SERIAL, "u", number(to)),
        (FIELD_DESTINATION, "s", string(fields[FIELD_SENDER])),
    ]
    asked = (fields.get(FIELD_PATH), fields.get(FIELD_INTERFACE), fields.get(FIELD_MEMBER))
    if asked == (PATH, INTERFACE, "PromMetrics"):
        typed = (FIELD_SIGNATURE, "g", signature("ay"))
        return message(RETURN, serial, address + [typed], number(len(body())) + body())
    unknown = (FIELD_ERROR, "s", string(BUS + ".Error.UnknownMethod"))
    return message(ERROR, serial, address + [unknown])


def connect(path):
    """Connects to the bus, which may still be starting, and authenticates by user id."""
    bus = socket.socket(socket.AF_UNIX)
    for attempt in range(100):
        try:
            bus.connect(path)
            break
        except OSError as error:
            if attempt == 99:
                sys.exit(f"cannot connect to {path}: {error}")
            time.sleep(0.1)
    stream = bus.makefile("rwb")
    stream.write(b"\0AUTH EXTERNAL " + str(os.getuid()).encode().hex().encode() + b"\r\n")
    stream.flush()
    if not stream.readline().startswith(b"OK"):
        sys.exit("the bus rejected the authentication")
    stream.write(b"BEGIN\r\n")
    return stream


def main():
    prefix = "unix:path="
    if len(sys.argv) != 2 or not sys.argv[1].startswith(prefix):
        sys.exit(f"usage: {sys.argv[0]} unix:path=PATH")
    stream = connect(sys.argv[1][len(prefix) :])
    stream.write(call(1, "Hello"))
    name = pad(string(NAME), 4) + number(0)
    stream.write(call(2, "RequestName", (FIELD_SIGNATURE, "g", signature("su")), content=name))
    stream.flush()
    serial = 2
    while True:
        kind, to, fields = receive(stream)
        if kind == CALL:
            serial += 1
            stream.write(reply(serial, to, fields))
            stream.flush()


if __name__ == "__main__":
    main()
