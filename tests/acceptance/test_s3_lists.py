"""Listing: both versions, delimiters, paging, encoding."""
import pytest
from botocore.exceptions import ClientError

KEYS = ["a.txt", "b/1", "b/2", "b/c/3", "d", "e/", "e/f"]


@pytest.fixture
def filled(s3, bucket):
    for key in KEYS:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    return bucket


def names(answer):
    return [item["Key"] for item in answer.get("Contents", [])]


def prefixes(answer):
    return [item["Prefix"] for item in answer.get("CommonPrefixes", [])]


def test_keys_come_in_the_order_of_their_bytes(s3, bucket):
    keys = ["b", "B", "a", "é", "z", "a/", "a0", "🚀", "～"]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key)
    assert names(s3.list_objects_v2(Bucket=bucket)) == sorted(keys, key=str.encode)


def test_an_item_has_size_etag_time_and_class(s3, filled):
    item = s3.list_objects_v2(Bucket=filled, Prefix="b/c/")["Contents"][0]
    assert item["Size"] == 5 and item["StorageClass"] == "STANDARD" and item["ETag"].startswith('"')
    assert item["LastModified"].tzinfo is not None
    assert "Owner" not in item
    assert "Owner" in s3.list_objects_v2(Bucket=filled, Prefix="b/c/", FetchOwner=True)["Contents"][0]


def test_a_delimiter_folds_what_follows_it(s3, filled):
    for list_objects in (s3.list_objects_v2, s3.list_objects):
        answer = list_objects(Bucket=filled, Delimiter="/")
        assert names(answer) == ["a.txt", "d"] and prefixes(answer) == ["b/", "e/"]
        answer = list_objects(Bucket=filled, Delimiter="/", Prefix="b/")
        assert names(answer) == ["b/1", "b/2"] and prefixes(answer) == ["b/c/"]
        answer = list_objects(Bucket=filled, Delimiter="/", Prefix="e/")
        assert names(answer) == ["e/", "e/f"] and prefixes(answer) == []


def test_any_text_may_be_the_delimiter(s3, bucket):
    for key in ("one--two", "one--three", "four"):
        s3.put_object(Bucket=bucket, Key=key)
    answer = s3.list_objects_v2(Bucket=bucket, Delimiter="--")
    assert names(answer) == ["four"] and prefixes(answer) == ["one--"]


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_pages_join_to_the_whole(s3, filled, size):
    found, token, pages = [], {}, 0
    while True:
        page = s3.list_objects_v2(Bucket=filled, MaxKeys=size, **token)
        found += names(page)
        pages += 1
        assert page["KeyCount"] == len(names(page)) <= size
        if not page["IsTruncated"]:
            assert "NextContinuationToken" not in page
            break
        token = {"ContinuationToken": page["NextContinuationToken"]}
    assert found == KEYS and pages == max(1, -(-len(KEYS) // size))


def test_a_common_prefix_counts_as_a_key_and_is_never_given_twice(s3, bucket):
    for folder in "abcdef":
        for i in range(4):
            s3.put_object(Bucket=bucket, Key=f"{folder}/{i}")
    pages = list(s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Delimiter="/",
                                                              PaginationConfig={"PageSize": 2}))
    assert [prefix for page in pages for prefix in prefixes(page)] == [f"{folder}/" for folder in "abcdef"]
    assert len(pages) == 3
    old = list(s3.get_paginator("list_objects").paginate(Bucket=bucket, Delimiter="/",
                                                         PaginationConfig={"PageSize": 2}))
    assert [prefix for page in old for prefix in prefixes(page)] == [f"{folder}/" for folder in "abcdef"]


def test_version_one_pages_by_marker(s3, filled):
    first = s3.list_objects(Bucket=filled, MaxKeys=3)
    assert first["IsTruncated"] and names(first) == KEYS[:3]
    rest = s3.list_objects(Bucket=filled, Marker=KEYS[2])
    assert names(rest) == KEYS[3:] and rest["Marker"] == KEYS[2]


def test_start_after_need_not_be_a_key(s3, filled):
    assert names(s3.list_objects_v2(Bucket=filled, StartAfter="b/1x")) == KEYS[2:]


def test_zero_keys_asked_is_an_empty_list_that_is_not_truncated(s3, filled):
    answer = s3.list_objects_v2(Bucket=filled, MaxKeys=0)
    assert answer["KeyCount"] == 0 and not answer["IsTruncated"]


def test_prefix_and_marker_are_there_even_when_empty(s3, filled):
    answer = s3.list_objects(Bucket=filled)
    assert answer["Prefix"] == "" and answer["Marker"] == "" and answer["MaxKeys"] == 1000


def test_a_thousand_keys_at_most_in_a_page(s3, bucket):
    for i in range(1003):
        s3.put_object(Bucket=bucket, Key=f"{i:05}")
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert first["KeyCount"] == 1000 and first["IsTruncated"]
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert names(rest) == ["01000", "01001", "01002"]
    assert rest["ContinuationToken"] == first["NextContinuationToken"]


def test_a_listing_does_not_change_under_writes_before_its_marker(s3, filled):
    first = s3.list_objects_v2(Bucket=filled, MaxKeys=2)
    s3.put_object(Bucket=filled, Key="Z-sorts-first")
    rest = s3.list_objects_v2(Bucket=filled, ContinuationToken=first["NextContinuationToken"])
    assert names(first) + names(rest) == KEYS


def test_a_token_that_we_never_gave_is_refused(s3, filled):
    with pytest.raises(ClientError) as error:
        s3.list_objects_v2(Bucket=filled, ContinuationToken="not ours")
    assert error.value.response["Error"]["Code"] == "InvalidArgument"
