"""@aws-sdk/client-s3, lib-storage and s3-request-presigner, in node."""


def test_hostile_keys_in_path_style(tell):
    tell("js")


def test_hostile_keys_with_the_bucket_in_the_host_name(tell):
    tell("js", path_style=False)


def test_control_characters(tell):
    tell("js", control=True)
