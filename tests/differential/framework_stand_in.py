"""Stands for sagemaker_pytorch_container.training: the toolkit's `train` imports it and calls main()."""
from sagemaker_training import entry_point, environment, mpi, runner


def runner_type(parameters):
    """In that container's order."""
    if parameters.get("sagemaker_mpi_enabled"):
        return runner.MPIRunnerType
    if parameters.get("sagemaker_torch_distributed_enabled"):
        return runner.TorchDistributedRunnerType
    return runner.ProcessRunnerType


def without_ssh():
    """mpirun of one host uses no sshd: without it the toolkit's command can be seen where none is installed."""
    mpi._start_sshd_daemon = lambda: None
    mpi.time.sleep = lambda seconds: None


def main():
    env = environment.Environment()
    without_ssh()
    entry_point.run(
        uri=env.module_dir,
        user_entry_point=env.user_entry_point,
        args=env.to_cmd_args(),
        env_vars=env.to_env_vars(),
        capture_error=True,
        runner_type=runner_type(env.additional_framework_parameters),
    )
