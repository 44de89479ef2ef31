"""The families of AWS's framework images: each runs script mode by the mapped interpreter, with its launchers."""
import pytest

from support.wheels import make_wheel

FRAMEWORKS = {
    "pytorch-training:2.3.0-cpu-py311": "sagemaker_pytorch_container.training:main",
    "tensorflow-training:2.16.2-cpu-py310": "sagemaker_tensorflow_container.training:main",
    "huggingface-pytorch-training:2.8.0-transformers4.56.2-gpu-py312-cu129-ubuntu22.04": "sagemaker_pytorch_container.training:main",
    "mxnet-training:1.9.0-cpu-py38": "sagemaker_mxnet_container.training:main",
    "sagemaker-chainer:5.0.0-cpu-py3": "sagemaker_chainer_container.training:main",
    "sagemaker-xgboost:1.7-1": "sagemaker_xgboost_container.training:main",
    "autogluon-training:1.3.0-cpu-py311": "",
}


@pytest.mark.parametrize("image", FRAMEWORKS, ids=lambda image: image.split(":")[0])
def test_every_framework_image_runs_script_mode(training, image):
    script = "import os\nprint('module', os.environ['SM_FRAMEWORK_MODULE'], os.environ['SM_HP_DEPTH'])\n"
    job = training.run(script, image=f"763104351884.dkr.ecr.us-east-1.amazonaws.com/{image}", hyperparameters={"depth": 3})
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert f"module {FRAMEWORKS[image]} 3" in training.lines(job["TrainingJobName"])


def test_torchrun_starts_the_script_of_a_pytorch_image(training, tmp_path):
    make_wheel(tmp_path, "torch", "2.3.0", {"torch.py": "", "torch-2.3.0.data/scripts/torchrun": "#!/bin/sh\necho called: $*\n"})
    job = training.run("", image="763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-training:2.3.0-cpu-py311",
                       files={"requirements.txt": "torch\n"}, Environment={"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)},
                       hyperparameters={"sagemaker_torch_distributed_enabled": True, "epochs": 2})
    lines = training.lines(job["TrainingJobName"])
    assert "called: --nnodes 1 --nproc_per_node 1 train.py --epochs 2" in lines, lines
