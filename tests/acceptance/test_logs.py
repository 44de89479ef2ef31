"""CloudWatch Logs: groups, streams, put, get and filter, tokens and paging."""
import time

import pytest
from botocore.exceptions import ClientError

from support.training import unique


@pytest.fixture
def group(logs):
    name = unique("/test/group")
    logs.create_log_group(logGroupName=name)
    return name


@pytest.fixture
def stream(logs, group):
    logs.create_log_stream(logGroupName=group, logStreamName="stream")
    return {"logGroupName": group, "logStreamName": "stream"}


def now():
    return int(time.time() * 1000)


def events(count, start=None):
    start = now() if start is None else start
    return [{"timestamp": start + i, "message": f"line {i}"} for i in range(count)]


def read_all(logs, stream, **options):
    """As SDK v2 reads: follow nextForwardToken until a page has no events."""
    found, token, pages = [], {}, 0
    while True:
        page = logs.get_log_events(**stream, startFromHead=True, **options, **token)
        pages += 1
        if not page["events"]:
            return found, pages
        found += [event["message"] for event in page["events"]]
        token = {"nextToken": page["nextForwardToken"]}


def code_of(error):
    return error.value.response["Error"]["Code"]


def test_what_was_put_is_read_in_order(logs, stream):
    logs.put_log_events(**stream, logEvents=events(50))
    found, _ = read_all(logs, stream)
    assert found == [f"line {i}" for i in range(50)]


def test_pages_of_any_size_join_to_the_whole(logs, stream):
    logs.put_log_events(**stream, logEvents=events(25))
    for limit in (1, 7, 25, 100):
        assert read_all(logs, stream, limit=limit)[0] == [f"line {i}" for i in range(25)]


def test_the_end_is_an_empty_page_with_the_same_token(logs, stream):
    logs.put_log_events(**stream, logEvents=events(3))
    first = logs.get_log_events(**stream, startFromHead=True)
    second = logs.get_log_events(**stream, startFromHead=True, nextToken=first["nextForwardToken"])
    third = logs.get_log_events(**stream, startFromHead=True, nextToken=second["nextForwardToken"])
    assert second["events"] == [] and third["events"] == []
    assert second["nextForwardToken"] == third["nextForwardToken"] == first["nextForwardToken"]
    logs.put_log_events(**stream, logEvents=[{"timestamp": now() + 10, "message": "late"}])
    fourth = logs.get_log_events(**stream, startFromHead=True, nextToken=third["nextForwardToken"])
    assert [event["message"] for event in fourth["events"]] == ["late"]


def test_equal_timestamps_keep_their_order_and_start_time_is_inclusive(logs, stream):
    at = now()
    for part in range(4):
        logs.put_log_events(**stream, logEvents=[{"timestamp": at, "message": f"{part}.{i}"} for i in range(5)])
    wanted = [f"{part}.{i}" for part in range(4) for i in range(5)]
    assert read_all(logs, stream)[0] == wanted
    assert read_all(logs, stream, startTime=at)[0] == wanted
    assert read_all(logs, stream, startTime=at + 1)[0] == []
    assert read_all(logs, stream, startTime=at, limit=3)[0] == wanted


def test_without_start_from_head_the_newest_come(logs, stream):
    logs.put_log_events(**stream, logEvents=events(10))
    page = logs.get_log_events(**stream, limit=3)
    assert [event["message"] for event in page["events"]] == ["line 7", "line 8", "line 9"]
    older = logs.get_log_events(**stream, limit=3, nextToken=page["nextBackwardToken"])
    assert [event["message"] for event in older["events"]] == ["line 4", "line 5", "line 6"]


def test_next_token_of_streams_only_when_more_remain(logs, group):
    for i in range(3):
        logs.create_log_stream(logGroupName=group, logStreamName=f"job/algo-{i}")
    logs.create_log_stream(logGroupName=group, logStreamName="other/algo-1")
    exact = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="job/", orderBy="LogStreamName", limit=3)
    assert [item["logStreamName"] for item in exact["logStreams"]] == ["job/algo-0", "job/algo-1", "job/algo-2"]
    assert "nextToken" not in exact
    page = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="job/", limit=2)
    rest = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix="job/", limit=2,
                                     nextToken=page["nextToken"])
    assert [item["logStreamName"] for item in rest["logStreams"]] == ["job/algo-2"] and "nextToken" not in rest


def test_a_missing_group_or_stream_is_resource_not_found(logs, group):
    for call in (lambda: logs.describe_log_streams(logGroupName="/no/such"),
                 lambda: logs.get_log_events(logGroupName="/no/such", logStreamName="s"),
                 lambda: logs.get_log_events(logGroupName=group, logStreamName="s"),
                 lambda: logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events(1))):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "ResourceNotFoundException"


def test_making_twice_is_already_exists(logs, stream):
    for call in (lambda: logs.create_log_group(logGroupName=stream["logGroupName"]),
                 lambda: logs.create_log_stream(**stream)):
        with pytest.raises(ClientError) as error:
            call()
        assert code_of(error) == "ResourceAlreadyExistsException"


def test_a_batch_sent_again_with_its_token_is_not_stored_twice(logs, stream):
    zeros = "0" * 56
    batch = events(3)
    first = logs.put_log_events(**stream, logEvents=batch, sequenceToken=zeros)
    assert first["nextSequenceToken"]
    with pytest.raises(ClientError) as error:
        logs.put_log_events(**stream, logEvents=batch, sequenceToken=zeros)
    assert code_of(error) == "DataAlreadyAcceptedException"
    assert error.value.response["expectedSequenceToken"] == first["nextSequenceToken"]
    with pytest.raises(ClientError) as error:
        logs.put_log_events(**stream, logEvents=batch, sequenceToken="9" * 56)
    assert code_of(error) == "InvalidSequenceTokenException"
    assert read_all(logs, stream)[0] == ["line 0", "line 1", "line 2"]


def test_a_token_is_not_needed(logs, stream):
    logs.put_log_events(**stream, logEvents=events(2))
    logs.put_log_events(**stream, logEvents=events(2, now() + 100))
    assert len(read_all(logs, stream)[0]) == 4


def test_filter_finds_text_across_streams(logs, group):
    at = now()
    for name in ("a", "b"):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
        logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=[
            {"timestamp": at, "message": f"{name} loss=1"}, {"timestamp": at + 1, "message": f"{name} done"}])
    found = logs.filter_log_events(logGroupName=group, filterPattern='"loss=1"')["events"]
    assert sorted(event["message"] for event in found) == ["a loss=1", "b loss=1"]
    found = logs.filter_log_events(logGroupName=group, logStreamNamePrefix="b")["events"]
    assert [event["message"] for event in found] == ["b loss=1", "b done"]
    assert all(event["logStreamName"] == "b" and event["eventId"] for event in found)
    pages = list(logs.get_paginator("filter_log_events").paginate(logGroupName=group,
                                                                  PaginationConfig={"PageSize": 1}))
    assert sorted(e["message"] for page in pages for e in page["events"]) == ["a done", "a loss=1", "b done", "b loss=1"]


def test_groups_are_listed_by_prefix(logs, group):
    listed = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert [item["logGroupName"] for item in listed] == [group]
    assert listed[0]["arn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:*"
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []


def test_too_many_events_in_a_batch_are_refused(logs, stream):
    with pytest.raises(ClientError) as error:
        logs.put_log_events(**stream, logEvents=events(10001))
    assert code_of(error) in ("InvalidParameterException", "ValidationException")
    assert read_all(logs, stream)[0] == []


def test_events_out_of_order_are_refused(logs, stream):
    with pytest.raises(ClientError) as error:
        logs.put_log_events(**stream, logEvents=events(2)[::-1])
    assert code_of(error) == "InvalidParameterException"
