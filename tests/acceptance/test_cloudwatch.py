"""CloudWatch metrics by every protocol a client speaks: CBOR (boto3), JSON 1.0 and query."""
import datetime
import json

import botocore.exceptions
import pytest

from acceptance.test_aws_cli import aws

NAMESPACE = "acceptance"


@pytest.fixture
def cloudwatch(client):
    return client("cloudwatch")


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def put(client, name, values, at, **dimensions):
    client.put_metric_data(Namespace=NAMESPACE, MetricData=[
        {"MetricName": name, "Value": value, "Timestamp": at, "Unit": "Percent",
         "Dimensions": [{"Name": key, "Value": text} for key, text in dimensions.items()]} for value in values])


def test_values_come_back_as_statistics(cloudwatch):
    client, at = cloudwatch, now()
    put(client, "loss", [1.0, 2.0, 6.0], at, Job="one")
    answer = client.get_metric_statistics(
        Namespace=NAMESPACE, MetricName="loss", Dimensions=[{"Name": "Job", "Value": "one"}], Period=60,
        StartTime=at - datetime.timedelta(seconds=1), EndTime=at + datetime.timedelta(minutes=1),
        Statistics=["Average", "Sum", "Minimum", "Maximum", "SampleCount"], )
    [point] = answer["Datapoints"]
    assert (point["Average"], point["Sum"], point["Minimum"], point["Maximum"], point["SampleCount"]) == (3, 9, 1, 6, 3)
    assert point["Unit"] == "Percent"
    assert point["Timestamp"].second == 0 and point["Timestamp"] <= at


def test_metric_data_and_lists_hold_what_was_put(cloudwatch):
    client, at = cloudwatch, now()
    put(client, "rate", [4.0], at, Host="a")
    put(client, "rate", [8.0], at, Host="b")
    query = {"Id": "m1", "MetricStat": {"Metric": {"Namespace": NAMESPACE, "MetricName": "rate",
                                                   "Dimensions": [{"Name": "Host", "Value": "b"}]},
                                        "Period": 60, "Stat": "Maximum"}}
    [result] = client.get_metric_data(MetricDataQueries=[query], StartTime=at - datetime.timedelta(minutes=1),
                                      EndTime=at + datetime.timedelta(minutes=1))["MetricDataResults"]
    assert result["Id"] == "m1" and result["Values"] == [8.0] and result["StatusCode"] == "Complete"
    listed = client.list_metrics(Namespace=NAMESPACE, MetricName="rate")["Metrics"]
    assert sorted(metric["Dimensions"][0]["Value"] for metric in listed) == ["a", "b"]
    [one] = client.list_metrics(Namespace=NAMESPACE, Dimensions=[{"Name": "Host", "Value": "a"}])["Metrics"]
    assert one["MetricName"] == "rate"


def test_errors_name_the_code_that_clients_know(cloudwatch):
    client, at = cloudwatch, now()
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client.get_metric_statistics(Namespace=NAMESPACE, MetricName="loss", Period=60, StartTime=at, EndTime=at,
                                     Statistics=["Average"])
    assert refused.value.response["Error"]["Code"] == "InvalidParameterCombination"
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client.get_metric_data(MetricDataQueries=[{"Id": "e1", "Expression": "SEARCH('{n} loss', 'Sum', 60)"}],
                               StartTime=at - datetime.timedelta(minutes=1), EndTime=at)
    assert refused.value.response["Error"]["Code"] == "ValidationError"
    assert "SEARCH is not supported" in refused.value.response["Error"]["Message"]


def test_metric_math_computes_with_other_queries(cloudwatch):
    client, at = cloudwatch, now()
    put(client, "math", [2.0], at, Host="a")
    put(client, "math", [6.0], at, Host="b")

    def metric(id_, host):
        return {"Id": id_, "ReturnData": False, "MetricStat": {"Period": 60, "Stat": "Sum", "Metric": {
            "Namespace": NAMESPACE, "MetricName": "math", "Dimensions": [{"Name": "Host", "Value": host}]}}}

    answer = client.get_metric_data(
        MetricDataQueries=[metric("m1", "a"), metric("m2", "b"),
                           {"Id": "share", "Expression": "100 * m1 / SUM(METRICS())", "Label": "per cent"}],
        StartTime=at - datetime.timedelta(minutes=1), EndTime=at + datetime.timedelta(minutes=1))
    [result] = answer["MetricDataResults"]
    assert (result["Id"], result["Label"], result["Values"]) == ("share", "per cent", [25.0])


def test_the_command_line_reads_metrics(cloudwatch):
    at = now()
    put(cloudwatch, "seen", [5.0], at)
    shown = aws("cloudwatch", "get-metric-statistics", "--namespace", NAMESPACE, "--metric-name", "seen",
                "--period", "60", "--statistics", "Average",
                "--start-time", (at - datetime.timedelta(minutes=1)).isoformat(),
                "--end-time", (at + datetime.timedelta(minutes=1)).isoformat(), "--output", "json")
    assert json.loads(shown.stdout)["Datapoints"][0]["Average"] == 5.0


SCRIPT = """
import time
for epoch in range(3):
    print(f"loss={1 / (epoch + 1):.3f};", flush=True)
"""


def test_a_jobs_metrics_are_there_and_the_sdk_makes_a_table_of_them(training, cloudwatch):
    from sagemaker.analytics import TrainingJobAnalytics
    from sagemaker.session import Session
    request = training.request(SCRIPT)
    request["AlgorithmSpecification"]["MetricDefinitions"] = [{"Name": "loss", "Regex": "loss=(.*?);"}]
    training.sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    job = training.wait(name)
    assert job["TrainingJobStatus"] == "Completed", job
    table = TrainingJobAnalytics(name, sagemaker_session=Session(sagemaker_client=training.sagemaker)).dataframe()
    assert list(table["metric_name"]) == ["loss"] * len(table) and len(table) >= 1
    assert table["value"].min() >= 0.3
    seen = cloudwatch.list_metrics(Namespace="/aws/sagemaker/TrainingJobs",
                                   Dimensions=[{"Name": "Host", "Value": f"{name}/algo-1"}])["Metrics"]
    assert {metric["MetricName"] for metric in seen} == {"CPUUtilization", "MemoryUtilization", "DiskUtilization"}
