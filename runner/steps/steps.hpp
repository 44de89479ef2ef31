#pragma once
// What a runner does around a job, one file a step. The order is in run.cpp.
#include "runner/job.hpp"

namespace sagelet::runner {

/// The tree below ml/ and the three files of input/config.
Status lay_out(Job& job);
/// Waits for /opt/ml where only one job at a time can have it.
Status take_place(Job& job);
/// Channels from S3. Errors are the user's: "Data download failed:..."
Status fetch_inputs(Job& job);
/// Checkpoints from S3; from then on changes go back.
Status fetch_checkpoints(Job& job);
/// The same of a job that is taken up: nothing is fetched, changes go back.
Status take_up_checkpoints(Job& job);
/// The private Python environment.
Status make_python(Job& job);
/// What the platform puts into the container's environment.
Status set_environment(Job& job);
/// The container, its network and the way to the server are there; the image was.
Status prepare_container(Job& job);
/// Runs the container's program, by script mode or as given; sets exit_code.
Status train(Job& job);
/// <OutputDataConfig.S3OutputPath>/<job>/output/
Result<S3Location> output_place(const JobSpec& spec);
/// model.tar.gz and output.tar.gz, or plain files, to S3.
Status store_outputs(Job& job);
/// The last changes of checkpoints.
Status finish_checkpoints(Job& job);

}  // namespace sagelet::runner
