"""aws-sdk-s3, the AWS SDK for Rust."""


def test_hostile_keys_in_path_style(tell):
    tell("rust")


def test_hostile_keys_with_the_bucket_in_the_host_name(tell):
    tell("rust", path_style=False, by_proxy=True)  # it has no way to say where names under localhost are


def test_control_characters(tell):
    tell("rust", control=True)
