"""Every field of CreateTrainingJob is taken and shown again by DescribeTrainingJob as it was given."""
import botocore.session
import pytest

from support.training import unique

ARN = "arn:aws:sagemaker:us-east-1:000000000000:"
CONTENT = "arn:aws:sagemaker:us-east-1:aws:hub-content/hub"
# What a pattern or another field asks for, by path; by kind otherwise.
TEXTS = {
    "AlgorithmSpecification.TrainingInputMode": "File",
    "AlgorithmSpecification.AlgorithmName": "scikit-learn",
    "AlgorithmSpecification.ContainerEntrypoint": "true",
    "AlgorithmSpecification.TrainingImageConfig.TrainingRepositoryAuthConfig.TrainingRepositoryCredentialsProviderArn":
        "arn:aws:lambda:us-east-1:000000000000:function:login",
    "InputDataConfig.DataSource.S3DataSource.HubAccessConfig.HubContentArn": CONTENT + "/Model/m/1.0.0",
    "InputDataConfig.DataSource.S3DataSource.InstanceGroupNames": "group",
    "InputDataConfig.DataSource.FileSystemDataSource.FileSystemId": "fs-0123456789abcdef0",
    "InputDataConfig.DataSource.FileSystemDataSource.DirectoryPath": "/",
    "InputDataConfig.DataSource.DatasetSource.DatasetArn": CONTENT + "/DataSet/d/1.0.0",
    "ResourceConfig.InstanceType": "ml.m5.large",
    "ResourceConfig.InstanceGroups.InstanceType": "ml.m5.large",
    "ResourceConfig.InstanceGroups.InstanceGroupName": "group",
    "ResourceConfig.TrainingPlanArn": ARN + "training-plan/plan",
    "ResourceConfig.InstancePreferences.InstanceType": "ml.m5.large",
    "ResourceConfig.InstancePreferences.TrainingPlanArns": ARN + "training-plan/plan",
    "ResourceConfig.SelectedInstanceType": "ml.m5.large",
    "CheckpointConfig.LocalPath": "/opt/ml/checkpoints",
    "ServerlessJobConfig.BaseModelArn": CONTENT + "/Model/m/1.0.0",
    "ServerlessJobConfig.SequenceLength": "4K",
    "MlflowConfig.MlflowResourceArn": ARN + "mlflow-tracking-server/one",
    "ModelPackageConfig.ModelPackageGroupArn": ARN + "model-package-group/one",
    "ModelPackageConfig.SourceModelPackageArn": ARN + "model-package/one/1",
}
NUMBERS = {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 700, "MaxPendingTimeInSeconds": 1800,
           "VolumeSizeInGB": 30}
# Not shown by DescribeTrainingJob at all.
NOT_SHOWN = {"Tags", "SessionChainingConfig"}
SOURCE = "InputDataConfig.DataSource"
# No request can have all fields: what each leaves out, and what it says instead of the usual.
REQUESTS = {
    "spot": ({"AlgorithmSpecification.AlgorithmName", "ResourceConfig.InstanceGroups",
              "ResourceConfig.KeepAlivePeriodInSeconds", f"{SOURCE}.FileSystemDataSource", f"{SOURCE}.DatasetSource",
              f"{SOURCE}.S3DataSource.AttributeNames", f"{SOURCE}.S3DataSource.InstanceGroupNames",
              "ServerlessJobConfig", "ModelPackageConfig"}, {}),
    "groups": ({"AlgorithmSpecification.TrainingImage", "ResourceConfig.InstanceType", "ResourceConfig.InstanceCount",
                "ResourceConfig.InstancePreferences",
                "ResourceConfig.KeepAlivePeriodInSeconds", "EnableManagedSpotTraining",
                "StoppingCondition.MaxWaitTimeInSeconds", f"{SOURCE}.FileSystemDataSource", f"{SOURCE}.DatasetSource",
                "ServerlessJobConfig", "ModelPackageConfig"},
               {f"{SOURCE}.S3DataSource.S3DataType": "AugmentedManifestFile", "InputDataConfig.InputMode": "Pipe"}),
    "warm": ({"AlgorithmSpecification.AlgorithmName", "ResourceConfig.InstanceGroups", "EnableManagedSpotTraining",
              "StoppingCondition.MaxWaitTimeInSeconds", f"{SOURCE}.S3DataSource", f"{SOURCE}.DatasetSource",
              "ServerlessJobConfig", "ModelPackageConfig"}, {"InputDataConfig.InputMode": "File"}),
    "serverless": ({"AlgorithmSpecification", "ResourceConfig", "EnableManagedSpotTraining",
                    "StoppingCondition.MaxWaitTimeInSeconds", f"{SOURCE}.S3DataSource",
                    f"{SOURCE}.FileSystemDataSource"}, {}),
}
USUAL = {f"{SOURCE}.S3DataSource.S3DataType": "S3Prefix", "InputDataConfig.InputMode": "File"}


def value_of(shape, path, bucket, left_out, texts):
    kind = shape.type_name
    if kind == "structure":
        members = ((name, f"{path}.{name}".lstrip("."), member) for name, member in shape.members.items())
        return {name: value_of(member, where, bucket, left_out, texts)
                for name, where, member in members if where not in left_out}
    if kind == "list":
        return [value_of(shape.member, path, bucket, left_out, texts)]
    if kind == "map":
        return {"key": value_of(shape.value, path, bucket, left_out, texts)}
    if kind == "boolean":
        return True
    if kind in ("integer", "long"):
        return NUMBERS.get(path.rsplit(".", 1)[-1], max(1, shape.metadata.get("min", 1)))
    if path.endswith(("S3Uri", "S3OutputPath")):
        return f"s3://{bucket}/{path.lower()}"
    return texts.get(path) or (shape.enum[0] if shape.enum else "text")


def differences(given, shown, path=""):
    if isinstance(given, dict):
        if not isinstance(shown, dict):
            return [f"{path}: {shown!r}"]
        return [line for key, value in given.items()
                for line in differences(value, shown.get(key, "nothing"), f"{path}.{key}")]
    if isinstance(given, list) and isinstance(shown, list) and len(given) == len(shown):
        return [line for i, value in enumerate(given) for line in differences(value, shown[i], f"{path}[{i}]")]
    return [] if given == shown else [f"{path}: gave {given!r}, shown {shown!r}"]


def paths_of(shape, path=""):
    while shape.type_name in ("list", "map"):
        shape = shape.member if shape.type_name == "list" else shape.value
    if shape.type_name != "structure":
        return {path}
    return set().union(*(paths_of(member, f"{path}.{name}".lstrip(".")) for name, member in shape.members.items()))


@pytest.fixture(scope="module")
def request_shape():
    model = botocore.session.get_session().get_service_model("sagemaker")
    return model.operation_model("CreateTrainingJob").input_shape


@pytest.mark.parametrize("kind", REQUESTS)
def test_what_was_given_is_shown(training, request_shape, kind):
    left_out, texts = REQUESTS[kind]
    texts = {**USUAL, **TEXTS, **texts}
    request = value_of(request_shape, "", training.bucket, left_out, texts)
    request.update(TrainingJobName=unique(), RoleArn=f"arn:aws:iam::000000000000:role/{training.bucket}")
    source = request["InputDataConfig"][0]["DataSource"].get("S3DataSource")
    if source:
        training.s3.put_object(Bucket=training.bucket, Key=source["S3Uri"].split("/", 3)[3], Body=b"{}\n")
    training.sagemaker.create_training_job(**request)
    name = request["TrainingJobName"]
    shown = training.describe(name)
    given = {field: value for field, value in request.items() if field not in NOT_SHOWN}
    assert differences(given, shown) == []
    tags = training.sagemaker.list_tags(ResourceArn=shown["TrainingJobArn"])["Tags"]
    assert tags == request["Tags"]
    if training.wait(name).get("WarmPoolStatus", {}).get("Status") == "Available":
        training.sagemaker.update_training_job(TrainingJobName=name, ResourceConfig={"KeepAlivePeriodInSeconds": 0})


def test_no_field_of_the_model_is_forgotten(request_shape):
    """A newer model's new field must be given by one of the requests."""
    everywhere = set.intersection(*(left_out for left_out, _ in REQUESTS.values()))
    left = {path for path in paths_of(request_shape)
            if all(any(path == out or path.startswith(out + ".") for out in left_out)
                   for left_out, _ in REQUESTS.values())}
    assert left == set() and everywhere == set()
