#!/usr/bin/env python3
"""Writes contrib/grafana-dashboard.json: what to show stands here, the layout is computed."""
import json, os

JOB = '{job="summitwatch"}'


def target(expr, legend):
    return {"expr": expr, "legendFormat": legend, "refId": legend[:1].upper() or "A"}


def panel(title, kind, targets, unit="short", **more):
    for n, it in enumerate(targets):
        it["refId"] = chr(ord("A") + n)
    return {
        "title": title, "type": kind, "targets": targets,
        "datasource": {"type": "prometheus", "uid": "${source}"},
        "fieldConfig": {"defaults": {"unit": unit, **more}, "overrides": []},
    }


OFFLINE = {"mappings": [{"type": "value", "options": {"0": {"text": "sees", "color": "green"}, "1": {"text": "offline", "color": "red"}}}]}
PANELS = [
    (panel("Sees", "stat", [target("summitwatch_offline" + JOB, "sees")], **OFFLINE), 4, 4),
    (panel("Feeds that are well", "stat", [target('sum(summitwatch_feeds{job="summitwatch",state="ok"})', "well")]), 4, 4),
    (panel("Oldest delivery owed", "stat", [target("summitwatch_oldest_owed_seconds" + JOB, "owed")], "s"), 4, 4),
    (panel("Longest overdue feed", "stat", [target("summitwatch_poll_overdue_seconds" + JOB, "overdue")], "s"), 4, 4),
    (panel("Alerts ever", "stat", [target("summitwatch_archive_alerts" + JOB, "alerts")]), 4, 4),
    (panel("Memory", "stat", [target("process_resident_memory_bytes" + JOB, "memory")], "bytes"), 4, 4),
    (panel("Feeds by state", "timeseries", [target("sum by (state) (summitwatch_feeds" + JOB + ")", "{{state}}")]), 12, 8),
    (panel("Visits by result", "timeseries", [target("sum by (result) (rate(summitwatch_visits_total" + JOB + "[5m]))", "{{result}}")], "reqps"), 12, 8),
    (panel("New items and matches in an hour", "timeseries", [
        target("increase(summitwatch_new_items_total" + JOB + "[1h])", "new items"),
        target("sum by (topic) (delta(summitwatch_archive_matches" + JOB + "[1h]))", "{{topic}}")]), 12, 8),
    (panel("Developments and alerts in a day", "timeseries", [
        target("sum by (topic) (delta(summitwatch_archive_developments" + JOB + "[1d]))", "developments, {{topic}}"),
        target("delta(summitwatch_archive_alerts" + JOB + "[1d])", "alerts")]), 12, 8),
    (panel("From document to delivery", "timeseries", [
        target("histogram_quantile(0.5, sum by (le, channel) (rate(summitwatch_delivery_seconds_bucket" + JOB + "[1h])))", "median, {{channel}}"),
        target("histogram_quantile(0.95, sum by (le, channel) (rate(summitwatch_delivery_seconds_bucket" + JOB + "[1h])))", "95 %, {{channel}}")], "s"), 12, 8),
    (panel("Deliveries owed or dead", "timeseries", [
        target('sum by (channel, state) (summitwatch_deliveries{job="summitwatch",state=~"pending|sending|retry|held|dead"})', "{{channel}} {{state}}")]), 12, 8),
    (panel("Turns", "timeseries", [
        target("histogram_quantile(0.95, sum by (le, loop) (rate(summitwatch_turn_seconds_bucket" + JOB + "[15m])))", "95 %, {{loop}}")], "s"), 12, 8),
    (panel("Archive and its log", "timeseries", [
        target("summitwatch_archive_bytes" + JOB, "archive"), target("summitwatch_archive_log_bytes" + JOB, "log")], "bytes"), 12, 8),
]

x = y = height = 0
panels = []
for number, (it, width, tall) in enumerate(PANELS, 1):
    if x + width > 24:
        x, y = 0, y + height
    height = tall
    panels.append({"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": tall}, **it})
    x += width

dashboard = {
    "title": "summitwatch", "uid": "summitwatch", "schemaVersion": 39, "version": 1, "refresh": "1m", "editable": True,
    "time": {"from": "now-24h", "to": "now"}, "tags": ["summitwatch"], "panels": panels,
    "templating": {"list": [{"name": "source", "type": "datasource", "query": "prometheus", "label": "Source"}]},
}
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "grafana-dashboard.json"), "w") as out:
    json.dump(dashboard, out, indent=2, ensure_ascii=False)
    out.write("\n")
