"""Three aiosmtpd servers on loopback: STARTTLS, implicit TLS, and implicit TLS that nobody vouches for.

Prints their ports and keeps every mail in ./mails, named by recipient and number.
"""

import asyncio
import os
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

PASSWORD = b"correct-horse-7c1d"


class Keeper:
    def __init__(self):
        self.n = 0
        os.makedirs("mails", exist_ok=True)

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("nobody@"):
            return "550 5.1.1 no such user"
        if address.startswith("greylisted@"):
            return "451 4.7.1 greylisted, try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.n += 1
        name = "mails/%02d-%s" % (self.n, "+".join(envelope.rcpt_tos))
        with open(name, "wb") as file:
            file.write(envelope.content)
        return "250 kept as %d" % self.n


def authenticate(server, session, envelope, mechanism, data):
    right = isinstance(data, LoginPassword) and data.login == b"watch" and data.password == PASSWORD
    # Not handled: the answer, 235 or 535, is the library's.
    return AuthResult(success=right, handled=False)


def context(certificate, key):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    return tls


async def main():
    good, bad = context(*sys.argv[1:3]), context(*sys.argv[3:5])
    keeper = Keeper()
    common = {"hostname": "localhost", "auth_required": True, "authenticator": authenticate}

    def starttls():
        return SMTP(keeper, tls_context=good, require_starttls=True, **common)

    def implicit():
        return SMTP(keeper, auth_require_tls=False, **common)

    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(starttls, "127.0.0.1", 0),
        await loop.create_server(implicit, "127.0.0.1", 0, ssl=good),
        await loop.create_server(implicit, "127.0.0.1", 0, ssl=bad),
    ]
    print(*(it.sockets[0].getsockname()[1] for it in servers), flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
