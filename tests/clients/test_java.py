"""software.amazon.awssdk:s3, the AWS SDK for Java 2: its synchronous client, and the asynchronous one for parts."""


def test_hostile_keys_in_path_style(tell):
    tell("java")


def test_hostile_keys_with_the_bucket_in_the_host_name(tell):
    tell("java", path_style=False)


def test_control_characters(tell):
    tell("java", control=True)
