"""Who am I: STS and the little of IAM that the SDKs ask."""
import re
import urllib.parse

import pytest
from botocore.exceptions import ClientError


def test_the_caller_is_an_assumed_role(client):
    identity = client("sts").get_caller_identity()
    assert identity["Account"] == "000000000000"
    assert re.fullmatch(r"arn:aws:sts::000000000000:assumed-role/AmazonSageMaker-ExecutionRole-[\w-]+/SageMaker",
                        identity["Arn"])
    assert re.fullmatch(r"AROA\w+:SageMaker", identity["UserId"])


def test_a_key_of_twelve_digits_names_the_account(client):
    sts = client("sts", aws_access_key_id="123456789012", aws_secret_access_key="x")
    assert sts.get_caller_identity()["Account"] == "123456789012"


def test_sts_answers_at_its_hard_wired_https_address(client):
    sts = client("sts", endpoint_url="https://sts.us-east-1.amazonaws.com")
    assert sts.get_caller_identity()["Account"] == "000000000000"


def test_sts_answers_for_other_regions_too(client):
    sts = client("sts", region_name="eu-west-1", endpoint_url="https://sts.eu-west-1.amazonaws.com")
    assert sts.get_caller_identity()["Account"] == "000000000000"


def test_an_assumed_role_gets_keys_that_work(client):
    answer = client("sts").assume_role(RoleArn="arn:aws:iam::000000000000:role/my-role", RoleSessionName="me",
                                       DurationSeconds=900)
    keys = answer["Credentials"]
    assert keys["AccessKeyId"].startswith("ASIA") and keys["SessionToken"]
    assert answer["AssumedRoleUser"]["Arn"] == "arn:aws:sts::000000000000:assumed-role/my-role/me"
    sts = client("sts", aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
                 aws_session_token=keys["SessionToken"])
    assert sts.get_caller_identity()["Arn"] == "arn:aws:sts::000000000000:assumed-role/my-role/me"


def test_any_role_resolves(client):
    role = client("iam").get_role(RoleName="AnythingAtAll")["Role"]
    assert role["RoleName"] == "AnythingAtAll"
    assert role["Arn"].startswith("arn:aws:iam::000000000000:role/") and role["Arn"].endswith("/AnythingAtAll")
    assert role["RoleId"].startswith("AROA")
    policy = role["AssumeRolePolicyDocument"]
    assert "sagemaker.amazonaws.com" in str(policy if isinstance(policy, dict) else urllib.parse.unquote(policy))


def test_everything_is_allowed_when_asked(client):
    answer = client("iam").simulate_principal_policy(
        PolicySourceArn="arn:aws:iam::000000000000:role/x",
        ActionNames=["sagemaker:CreateTrainingJob", "s3:GetObject"])
    assert {item["EvalActionName"]: item["EvalDecision"] for item in answer["EvaluationResults"]} == {
        "sagemaker:CreateTrainingJob": "allowed", "s3:GetObject": "allowed"}
    assert not answer["IsTruncated"]


def test_an_operation_without_behaviour_names_itself(client):
    with pytest.raises(ClientError) as error:
        client("iam").list_users()
    assert error.value.response["Error"]["Code"] in ("NotImplemented", "NotImplementedException")
    assert "ListUsers" in error.value.response["Error"]["Message"]
