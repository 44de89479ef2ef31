"""Loaded into ceph/s3-tests by conformance.py: what of the suite is run, and the class each test is counted under.

The suite was written when a new bucket took ACLs; since 2023 a bucket asks for that. So its buckets ask for it.
"""
import itertools
import re
import sys

import boto3
import pytest

# Ceph's own extensions, and services that are not S3: not what an S3 server is measured by.
NOT_OURS = {"appendobject", "bucket_logging", "bucket_logging_cleanup", "cloud_restore", "cloud_transition", "iam_account",
            "iam_cross_account", "iam_role", "iam_tenant", "iam_user", "s3select", "sns", "target_by_bucket",
            "test_of_sts", "webidentity_test"}
# "fails_on_aws" says that AWS itself would fail; of those only the ones that need a day to last seconds are run.
AWS_BUT_FOR_ITS_CLOCK = {"lifecycle", "lifecycle_expiration"}
KMS = re.compile(r"kms")  # has no mark of its own

CLASSES = (  # by the first pattern that a name holds
    ("post forms", r"post_object"), ("object lock", r"object_lock"), ("lifecycle", r"lifecycle"),
    ("policy", r"policy|public_block|block_public|ignore_public"), ("cors", r"cors"), ("encryption", r"encrypt|sse"),
    ("ownership", r"ownership|bucket_owner"), ("acl and anonymous", r"acl|access_bucket|anon|object_raw|grant"),
    ("versions", r"version|delete_marker"), ("multipart", r"multipart|upload"), ("checksum", r"checksum"),
    ("tagging", r"tag"), ("conditional", r"if_match|ifmatch|ifnonematch|if_none|conditional|if_modified|unmodified"),
    ("copy", r"copy"), ("lists", r"bucket_list"), ("headers", r"_bad_|headers"), ("atomic", r"atomic"), ("other", ""))


def class_of(name):
    return next(label for label, pattern in CLASSES if re.search(pattern, name))


def is_ours(item):
    marks = {mark.name for mark in item.iter_markers()}
    if marks & NOT_OURS or KMS.search(item.name):
        return False
    return "fails_on_aws" not in marks or bool(marks & AWS_BUT_FOR_ITS_CLOCK)


def pytest_collection_modifyitems(config, items):
    dropped = [item for item in items if not is_ours(item)]
    items[:] = [item for item in items if is_ours(item)]
    config.hook.pytest_deselected(items=dropped)


@pytest.fixture(autouse=True)
def counted_under(request, record_property):
    record_property("class", class_of(request.node.name))


@pytest.fixture(autouse=True)
def account_of_its_own(request, monkeypatch):
    """One test wants to see no bucket but its own, and others run beside it: it calls as the account of [iam]."""
    if request.node.name == "test_list_buckets_paginated":
        suite = sys.modules["s3tests.functional"]
        monkeypatch.setattr(suite.config, "main_access_key", suite.config.iam_access_key)
        monkeypatch.setattr(suite.config, "main_secret_key", suite.config.iam_secret_key)
        monkeypatch.setattr(suite, "bucket_counter", itertools.count(1000))  # names in the order of their making


def ask_for_acls(params, **_):
    params.setdefault("ObjectOwnership", "ObjectWriter")


def pytest_configure():
    """Every client comes from boto3's session; each asks for ACLs when it makes a bucket and says nothing else."""
    make = boto3.session.Session.__init__

    def with_acls(session, *arguments, **options):
        make(session, *arguments, **options)
        session.events.register("before-parameter-build.s3.CreateBucket", ask_for_acls)

    boto3.session.Session.__init__ = with_acls
