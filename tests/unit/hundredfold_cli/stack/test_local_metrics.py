"""CloudWatch metrics for the local stack, made from log lines as Lambda and Powertools write them."""

import pytest

from hundredfold_cli.stack.local_metrics import Datum, from_emf, from_reports, is_local
from tests.unit.hundredfold_cli.log_events import event, report

EMF = (
    '{"_aws":{"Timestamp":5000,"CloudWatchMetrics":[{"Namespace":"Hundredfold","Dimensions":[["service"],'
    '["service","function_name"]],"Metrics":[{"Name":"A","Unit":"Count"},{"Name":"B","Unit":"Milliseconds"}]}]},'
    '"service":"s","function_name":"f","ingest_id":"i1","A":[1.0,2.0],"B":7}'
)


def test_an_emf_document_has_a_value_for_each_metric_and_set_of_dimensions() -> None:
    service, both = (("service", "s"),), (("function_name", "f"), ("service", "s"))

    assert list(from_emf(EMF)) == [
        Datum("Hundredfold", "A", service, "Count", 5_000, 1.0),
        Datum("Hundredfold", "A", service, "Count", 5_000, 2.0),
        Datum("Hundredfold", "B", service, "Milliseconds", 5_000, 7.0),
        Datum("Hundredfold", "A", both, "Count", 5_000, 1.0),
        Datum("Hundredfold", "A", both, "Count", 5_000, 2.0),
        Datum("Hundredfold", "B", both, "Milliseconds", 5_000, 7.0),
    ]


@pytest.mark.parametrize("line", ["START RequestId: r1", '{"message":"inferred"}', '{"_aws": broken', '{"_aws":{}}'])
def test_other_lines_have_no_metrics(line: str) -> None:
    assert list(from_emf(line)) == []


def test_reports_are_made_into_what_lambda_sends() -> None:
    events = [
        event("a", "START RequestId: r1 Version: 1", 1_000),
        event("a", report("r1", "400", 400), 1_400),  # from 1,000 to 1,400
        event("b", "START RequestId: r2 Version: 1", 1_200),
        event("b", "[ERROR] StoreBusyError: busy", 1_500),
        event("b", report("r2", "300", 300), 1_500),  # from 1,200 to 1,500: beside the first
        event("a", "START RequestId: r3 Version: 1", 2_000),
        event("a", report("r3", "100", 100), 2_100),  # alone
    ]

    data = from_reports(events, "f")

    def values(name: str) -> list[float]:
        assert all(datum.dimensions == (("FunctionName", "f"),) for datum in data)
        return [datum.value for datum in data if datum.name == name]

    assert values("Invocations") == [1, 1, 1]
    assert values("Errors") == [0, 1, 0]
    assert values("Duration") == [400, 300, 100]
    assert values("ConcurrentExecutions") == [2, 1, 1]


@pytest.mark.parametrize(
    ("endpoint", "local"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("https://monitoring.us-east-1.amazonaws.com", False),
        ("https://127.0.0.1.example.com", False),
        (None, False),
    ],
)
def test_only_this_machine_is_local(endpoint: str | None, local: bool) -> None:
    assert is_local(endpoint) is local
