"""Metrics over real processes: Prometheus scrapes them by our rules, and says when the worker dies."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import requests

from tests.buyer import Buyer, Sandbox, make_event
from tests.engines import without_engines
from tests.processes import Process, free_port, wait_until
from tests.stack import ROOT, Stack

MONITORING = ROOT / "deploy" / "monitoring"
pytestmark = pytest.mark.skipif(
    not shutil.which("prometheus"),
    reason="Prometheus is not on this machine (Debian: apt install prometheus)",
)
NOT_IN_PEACE = {"tickets_limits_hit_total"}  # a counter by label begins with the first of its kind


class Prometheus:
    """Prometheus with the rules as they are, but seconds where they have minutes."""

    def __init__(self, folder: Path, targets: dict[str, list[str]]):
        folder.mkdir()
        self.url = f"http://127.0.0.1:{free_port()}"
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": ["alerts.yml"],
            "scrape_configs": [
                {"job_name": job, "static_configs": [{"targets": where}]} for job, where in targets.items()
            ],
        }
        rules = re.sub(
            r"^( +for:) \w+$", r"\1 1s", (MONITORING / "alerts.yml").read_text(), flags=re.MULTILINE
        )
        (folder / "alerts.yml").write_text(rules)
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        command = [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'data'}",
        ]
        command += [f"--web.listen-address={self.url.removeprefix('http://')}"]
        self.process = Process(
            "prometheus", command, cwd=folder, env={}, log=folder / "prometheus.log"
        ).start()

    def ask(self, path: str, **parameters: str):
        try:
            return requests.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=10).json()["data"]
        except requests.RequestException:  # it starts, and answers in words meanwhile
            assert self.process.running, self.process.tail()
            return {}

    def value(self, query: str) -> float | None:
        found = self.ask("query", query=query).get("result")
        return float(found[0]["value"][1]) if found else None

    def firing(self) -> set[str]:
        alerts = self.ask("alerts").get("alerts", [])
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}


@pytest.fixture(scope="module")
def scraped(stacks):
    """A shop whose every process tells its metrics, and the ports where."""
    stack: Stack = stacks.new("postgresql")
    ports = {}
    for job, process in (("tickets-web", stack.web), ("tickets-worker", stack.worker)):
        ports[job] = free_port()
        process.env["METRICS_PORT"] = str(ports[job])
    stack.start()
    yield stack, ports
    stack.close()


@pytest.fixture(scope="module")
def prometheus(scraped, tmp_path_factory):
    targets = {job: [f"127.0.0.1:{port}"] for job, port in scraped[1].items()}
    running = Prometheus(tmp_path_factory.mktemp("monitoring") / "prometheus", targets)
    yield running
    running.process.stop()


def test_the_rules_are_rules():
    done = subprocess.run(
        ["promtool", "check", "rules", MONITORING / "alerts.yml"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_sale_arrives_in_prometheus_and_peace_is_silent(scraped, prometheus):
    stack, ports = scraped
    wait_until(lambda: prometheus.value('sum(up{job=~"tickets.*"})') == 2, 30, "both are scraped")
    buyer = Buyer(stack).buy(make_event(stack))
    Sandbox(stack).pay_from_outside(buyer.bolt11())
    buyer.wait_for("paid")
    wait_until(lambda: prometheus.value("max(tickets_paid_orders_last_hour)") == 1, 20, "the sale is told")
    assert prometheus.value('sum(tickets_webhooks_total{answer="new"})') >= 1
    for job in ports:  # the web server asked for the BOLT11, the worker reads the node's list
        assert prometheus.value(f'sum(tickets_node_seconds_count{{job="{job}",answer="ok"}})') >= 1
    assert prometheus.firing() == set()
    assert requests.get(f"{stack.shop_url}/metrics", timeout=10).status_code == 404
    assert requests.get(f"http://localhost:{ports['tickets-web']}/", timeout=10).status_code == 404


@without_engines
def test_an_open_page_is_counted_while_it_is_open(scraped, prometheus):
    stack, _ports = scraped
    buyer = Buyer(stack).buy(make_event(stack))
    token = buyer.bought["order"]["token"]
    before = prometheus.value("sum(tickets_open_streams)") or 0
    with requests.get(
        f"{stack.shop_url}/orders/{token}/live", params={"v": ""}, stream=True, timeout=30
    ) as page:
        assert page.status_code == 200
        wait_until(lambda: prometheus.value("sum(tickets_open_streams)") == before + 1, 10, "it is counted")
    wait_until(lambda: prometheus.value("sum(tickets_open_streams)") == before, 60, "and not any more")


def test_every_number_on_the_dashboard_is_there(scraped, prometheus):
    there = wait_until(lambda: set(prometheus.ask("label/__name__/values")), 30, "names")
    panels = json.loads((MONITORING / "dashboard.json").read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    rules = re.findall(r"tickets_\w+", (MONITORING / "alerts.yml").read_text())
    named = {name for query in queries for name in re.findall(r"tickets_\w+", query)} | set(rules)
    assert named - there == NOT_IN_PEACE
    assert [query for query in queries if "result" not in prometheus.ask("query", query=query)] == []


def test_an_alert_fires_when_the_worker_is_killed_and_ends_when_it_is_back(scraped, prometheus):
    stack, _ports = scraped
    stack.worker.kill()
    wait_until(lambda: "TicketsWorkerDown" in prometheus.firing(), 30, "somebody is told")
    stack.django("Sweep.objects.update(tried_at=timezone.now() - timedelta(minutes=5))")
    wait_until(lambda: "TicketsWorkerSilent" in prometheus.firing(), 30, "by the rows too")
    stack.worker.start()
    gone = {"TicketsWorkerDown", "TicketsWorkerSilent"}
    wait_until(lambda: not gone & prometheus.firing(), 60, "it is over")


def test_a_process_that_is_gone_listens_to_no_page(scraped, prometheus):
    """gunicorn replaces a web process that died; what it counted stays, its open pages do not."""
    stack, _ports = scraped
    counted = prometheus.value('sum(tickets_webhooks_total{job="tickets-web"})')
    children = Path(f"/proc/{stack.web.pid}/task/{stack.web.pid}/children").read_text().split()
    subprocess.run(["kill", "-9", children[0]], check=True)
    wait_until(lambda: prometheus.value('up{job="tickets-web"}') == 1, 30, "it is scraped")
    wait_until(lambda: (prometheus.value("sum(tickets_open_streams)") or 0) == 0, 30, "no page is open")
    assert prometheus.value('sum(tickets_webhooks_total{job="tickets-web"})') >= counted
