"""Reads the mails of a run as a mail program would, and says what is wrong with them."""

import email
import email.policy
import os
import sys

faults = []


def expect(condition, what):
    if not condition:
        faults.append(what)


folder = sys.argv[1]
names = sorted(os.listdir(folder))
expect(len(names) == 3, "three mails, not %s" % names)
expect(any("desk@a.example+room@b.example" in it for it in names), "one mail for two recipients")
ids = set()
for name in names:
    with open(os.path.join(folder, name), "rb") as file:
        raw = file.read()
    mail = email.message_from_bytes(raw, policy=email.policy.default)
    expect(not mail.defects, "%s: %s" % (name, mail.defects))
    expect(raw.isascii(), "%s: bytes that need 8BITMIME" % name)
    expect(max(map(len, raw.split(b"\r\n"))) <= 998, "%s: a line is too long" % name)
    expect(mail["Subject"] == "TEST · summitwatch can reach you here", mail["Subject"])
    expect(mail["From"] == "summitwatch <watch@desk.example>", mail["From"])
    expect(mail["Auto-Submitted"] == "auto-generated", "Auto-Submitted")
    expect(mail["List-Id"] == "<test.summitwatch.desk.example>", mail["List-Id"])
    expect(mail["Date"].datetime is not None, "Date")
    expect(mail["Message-ID"].startswith("<test-"), mail["Message-ID"])
    ids.add(mail["Message-ID"])
    expect(mail.get_content_type() == "multipart/alternative", mail.get_content_type())
    text, page = mail.iter_parts()
    expect(text.get_content_type() == "text/plain" and page.get_content_type() == "text/html", "parts")
    for part in (text, page):
        content = part.get_content()
        expect("북미 정상회담 · 米朝首脳会談 · 美朝峰会" in content, "%s: a script is lost" % name)
expect(len(ids) == len(names), "ids: %s" % ids)
print("\n".join(faults) or "ok %d mails" % len(names))
sys.exit(1 if faults else 0)
