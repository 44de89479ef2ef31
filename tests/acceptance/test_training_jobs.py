"""Training jobs as records: create, describe, list, search, tags, delete, and what is refused."""
import datetime
import re

import pytest
from botocore.exceptions import ClientError

from support.training import ROLE, SKLEARN, Training, steps_of, unique

NOTHING = "pass\n"


def refused(call):
    with pytest.raises(ClientError) as error:
        call()
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_describe_echoes_the_request_and_tells_the_history(training, sagemaker):
    name = unique()
    request = training.request(NOTHING, name=name, hyperparameters={"a": 1, "b": "x y"},
                               Environment={"COLOUR": "blue"}, Tags=[{"Key": "k", "Value": "v"}],
                               DebugHookConfig={"S3OutputPath": "s3://b/debug", "CollectionConfigurations": []},
                               ProfilerConfig={"S3OutputPath": "s3://b/prof", "DisableProfiler": False})
    made = sagemaker.create_training_job(**request)
    assert made["TrainingJobArn"] == f"arn:aws:sagemaker:us-east-1:000000000000:training-job/{name}"
    job = training.wait(name)
    for field in ("TrainingJobName", "RoleArn", "HyperParameters", "ResourceConfig", "StoppingCondition", "Environment"):
        assert job[field] == request[field], field
    assert job["TrainingJobArn"] == made["TrainingJobArn"]
    assert job["AlgorithmSpecification"]["TrainingImage"] == SKLEARN
    assert job["OutputDataConfig"]["KmsKeyId"] == ""
    assert job["OutputDataConfig"]["S3OutputPath"] == request["OutputDataConfig"]["S3OutputPath"]
    assert job["DebugHookConfig"]["S3OutputPath"] == "s3://b/debug"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://{training.bucket}/out/{name}/output/model.tar.gz"
    assert "Tags" not in job and "VpcConfig" not in job and "FailureReason" not in job
    assert job["EnableNetworkIsolation"] is False and job["EnableManagedSpotTraining"] is False


def test_the_transitions_of_a_good_job(training):
    job = training.run("print('hello')\n")
    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Completed"
    steps = steps_of(job)
    assert [step["Status"] for step in steps] == ["Starting", "Training", "Uploading", "Completed"]
    assert steps[-1]["StatusMessage"] == "Training job completed"
    assert steps[1]["StatusMessage"] == "Training image download completed. Training in progress."
    assert steps[2]["StatusMessage"] == "Uploading generated training model"
    assert all(step["StartTime"] <= step["EndTime"] for step in steps)
    assert steps[-1]["StartTime"] == steps[-1]["EndTime"]
    assert all(one["EndTime"] <= two["StartTime"] or one["EndTime"] == two["StartTime"]
               for one, two in zip(steps, steps[1:]))
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"] <= job["LastModifiedTime"]
    assert job["TrainingTimeInSeconds"] >= 1 and job["BillableTimeInSeconds"] >= 1


def test_downloading_is_told_when_there_is_something_to_download(training, s3):
    s3.put_object(Bucket=training.bucket, Key="data/x.csv", Body=b"1,2")
    job = training.run(NOTHING, channels={"train": "data/"})
    assert [step["Status"] for step in steps_of(job)] == [
        "Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert job["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"] == f"s3://{training.bucket}/data/"


def test_an_unknown_job_is_a_validation_exception(sagemaker):
    code, text = refused(lambda: sagemaker.describe_training_job(TrainingJobName="nothing-like-it"))
    assert (code, text) == ("ValidationException", "Requested resource not found.")
    assert refused(lambda: sagemaker.stop_training_job(TrainingJobName="nothing-like-it"))[0] == "ValidationException"


def test_a_name_is_used_once(training, sagemaker):
    request = training.request(NOTHING)
    sagemaker.create_training_job(**request)
    code, text = refused(lambda: sagemaker.create_training_job(**request))
    assert code == "ResourceInUse"
    assert "Job name must be unique within an AWS account and region" in text and "already exists" in text
    training.wait(request["TrainingJobName"])


def test_all_violations_come_in_one_message(sagemaker, training):
    request = training.request(NOTHING)
    request["TrainingJobName"] = "under_score-" + "x" * 60
    request["AlgorithmSpecification"]["TrainingInputMode"] = "Telepathy"
    request["ResourceConfig"]["VolumeSizeInGB"] = 30
    code, text = refused(lambda: sagemaker.create_training_job(**request))
    assert code == "ValidationException"
    assert text.startswith("3 validation errors detected: ")
    name = request["TrainingJobName"]
    assert f"Value '{name}' at 'trainingJobName' failed to satisfy constraint: Member must satisfy regular " \
           "expression pattern: " in text
    assert f"Value '{name}' at 'trainingJobName' failed to satisfy constraint: Member must have length less than or " \
           "equal to 63" in text
    assert "Value 'Telepathy' at 'algorithmSpecification.trainingInputMode' failed to satisfy constraint: Member must " \
           "satisfy enum value set: [" in text


def test_an_input_without_objects_is_refused_at_once(training, sagemaker):
    request = training.request(NOTHING, channels={"train": "nothing/here"})
    code, text = refused(lambda: sagemaker.create_training_job(**request))
    assert code == "ValidationException"
    assert text.startswith(f'No S3 objects found under S3 URL "s3://{training.bucket}/nothing/here" given in input data '
                           "source.")
    assert ROLE in text and "us-east-1" in text


def test_an_image_that_nobody_knows_fails_and_says_how_to_map_it(training):
    image = "000000000000.dkr.ecr.us-east-1.amazonaws.com/my-own-thing:latest"
    try:
        job = training.run(NOTHING, image=image)
    except ClientError as error:
        reason = error.response["Error"]["Message"]
    else:
        assert job["TrainingJobStatus"] == "Failed"
        reason = job["FailureReason"]
    assert "my-own-thing" in reason and "images" in reason and len(reason) <= 1024


@pytest.fixture(scope="module")
def listed(client):
    """Six jobs of an account of their own."""
    keys = {"aws_access_key_id": "333333333333", "aws_secret_access_key": "x"}
    s3, sagemaker, logs = (client(service, **keys) for service in ("s3", "sagemaker", "logs"))
    bucket = unique("list-bucket")
    s3.create_bucket(Bucket=bucket)
    training = Training(sagemaker, s3, logs, bucket)
    names = [f"list-{letter}-{unique('x')}" for letter in "cabfde"]
    for name in names:
        script = "raise SystemExit(3)\n" if "-f-" in name else NOTHING
        training.wait(training.start(script, name=name, Tags=[{"Key": "letter", "Value": name[5]}]))
    return training, names


class TestLists:
    def letters(self, answer):
        return "".join(item["TrainingJobName"][5] for item in answer["TrainingJobSummaries"])

    def test_a_summary_has_what_aws_gives(self, listed):
        training, names = listed
        item = training.sagemaker.list_training_jobs(NameContains=names[0])["TrainingJobSummaries"][0]
        assert {"TrainingJobName", "TrainingJobArn", "CreationTime", "TrainingEndTime", "LastModifiedTime",
                "TrainingJobStatus"} <= set(item)

    @pytest.mark.parametrize("by, order, wanted", [
        ("Name", "Ascending", "abcdef"), ("Name", "Descending", "fedcba"), ("CreationTime", "Ascending", "cabfde"),
        ("CreationTime", "Descending", "edfbac")])
    def test_sorted_as_asked(self, listed, by, order, wanted):
        answer = listed[0].sagemaker.list_training_jobs(SortBy=by, SortOrder=order, NameContains="list-")
        assert self.letters(answer) == wanted

    @pytest.mark.parametrize("size", [1, 2, 4, 100])
    def test_pages_join_to_the_whole(self, listed, size):
        paginator = listed[0].sagemaker.get_paginator("list_training_jobs")
        pages = list(paginator.paginate(SortBy="Name", SortOrder="Ascending", NameContains="list-",
                                        PaginationConfig={"PageSize": size}))
        assert "".join(self.letters(page) for page in pages) == "abcdef"
        assert "NextToken" not in pages[-1]

    def test_filtered_by_status(self, listed):
        sagemaker = listed[0].sagemaker
        assert self.letters(sagemaker.list_training_jobs(StatusEquals="Failed", NameContains="list-")) == "f"
        by_name = sagemaker.list_training_jobs(StatusEquals="Completed", NameContains="list-", SortBy="Name",
                                               SortOrder="Ascending")
        assert self.letters(by_name) == "abcde"
        by_status = sagemaker.list_training_jobs(SortBy="Status", SortOrder="Descending", NameContains="list-")
        assert self.letters(by_status)[0] == "f"

    def test_filtered_by_time(self, listed):
        training, names = listed
        middle = training.describe(names[2])["CreationTime"]
        after = training.sagemaker.list_training_jobs(CreationTimeAfter=middle, NameContains="list-",
                                                      SortBy="CreationTime", SortOrder="Ascending")
        before = training.sagemaker.list_training_jobs(CreationTimeBefore=middle, NameContains="list-",
                                                       SortBy="CreationTime", SortOrder="Ascending")
        assert self.letters(after) == "fde" and self.letters(before) == "ca"
        later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        assert self.letters(training.sagemaker.list_training_jobs(LastModifiedTimeAfter=later)) == ""

    def test_a_token_that_we_never_gave_is_refused(self, listed):
        assert refused(lambda: listed[0].sagemaker.list_training_jobs(NextToken="bogus"))[0] == "ValidationException"

    def test_search_by_name_status_and_tag(self, listed):
        training, names = listed
        sagemaker = training.sagemaker

        def search(*filters):
            answer = sagemaker.search(Resource="TrainingJob", SearchExpression={"Filters": list(filters)})
            return [result["TrainingJob"]["TrainingJobName"] for result in answer["Results"]]

        assert search({"Name": "TrainingJobName", "Operator": "Equals", "Value": names[0]}) == [names[0]]
        assert search({"Name": "TrainingJobStatus", "Operator": "Equals", "Value": "Failed"}) == [names[3]]
        assert search({"Name": "Tags.letter", "Operator": "Equals", "Value": "a"}) == [names[1]]
        assert set(search({"Name": "TrainingJobName", "Operator": "Contains", "Value": "list-"})) == set(names)
        model = training.describe(names[4])["ModelArtifacts"]["S3ModelArtifacts"]
        assert search({"Name": "ModelArtifacts.S3ModelArtifacts", "Operator": "Equals", "Value": model}) == [names[4]]

    def test_a_search_result_is_the_whole_record_with_tags(self, listed):
        training, names = listed
        result = training.sagemaker.search(Resource="TrainingJob", SearchExpression={"Filters": [
            {"Name": "TrainingJobName", "Operator": "Equals", "Value": names[1]}]})["Results"][0]["TrainingJob"]
        assert result["Tags"] == [{"Key": "letter", "Value": "a"}]
        assert result["TrainingJobStatus"] == "Completed" and result["HyperParameters"]


def test_jobs_are_kept_by_region(training, client):
    name = training.start(NOTHING)
    west = client("sagemaker", region_name="us-west-2")
    assert refused(lambda: west.describe_training_job(TrainingJobName=name))[0] == "ValidationException"
    training.wait(name)


def test_tags_live_beside_the_job(training, sagemaker):
    name = training.start(NOTHING, Tags=[{"Key": "a", "Value": "1"}])
    arn = training.describe(name)["TrainingJobArn"]
    added = sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in added} == {"a": "3", "b": "2"}
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    assert refused(lambda: sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "aws:x", "Value": "1"}]))[0] == \
        "ValidationException"
    training.wait(name)


def test_a_finished_job_can_be_deleted_and_its_name_used_again(training, sagemaker):
    name = training.start("import time; time.sleep(30)\n")
    assert refused(lambda: sagemaker.delete_training_job(TrainingJobName=name))[0] in (
        "ValidationException", "ConflictException", "ResourceInUse")
    sagemaker.stop_training_job(TrainingJobName=name)
    training.wait(name)
    sagemaker.delete_training_job(TrainingJobName=name)
    assert refused(lambda: training.describe(name))[0] == "ValidationException"
    assert training.run(NOTHING, name=name)["TrainingJobStatus"] == "Completed"


def test_stopping_a_finished_job_is_refused(training, sagemaker):
    job = training.run(NOTHING)
    code, text = refused(lambda: sagemaker.stop_training_job(TrainingJobName=job["TrainingJobName"]))
    assert code == "ValidationException"
    assert text == "The request was rejected because the training job is in status Completed."


def test_an_operation_without_behaviour_names_itself(sagemaker):
    code, text = refused(lambda: sagemaker.list_domains())
    assert code in ("NotImplemented", "NotImplementedException") and re.search(r"\bListDomains\b", text)
