"""aws-sdk-go-v2 with its manager of uploads and downloads."""


def test_hostile_keys_in_path_style(tell):
    tell("go")


def test_hostile_keys_with_the_bucket_in_the_host_name(tell):
    tell("go", path_style=False)


def test_control_characters(tell):
    tell("go", control=True)
