#pragma once
// What the engine is told about a job's container.
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "client/docker.hpp"
#include "runner/spec.hpp"

namespace sagelet::runner {

/// Containers and networks of a job are found again by it: "sagelet.job=<job id>".
std::string job_label(const std::string& job_id);
/// "sagelet-<job id>-algo-1"; without a host: the job's network.
std::string engine_name(const JobSpec& spec, bool of_network = false);

/// An image of our own registry is where the server is now: it may have another port than when the job was
/// made.
JobSpec with_image_at_server(JobSpec spec);
/// For the registry of the image, when it is ours: no other gets the job's keys.
std::optional<client::Login> registry_login(const JobSpec& spec);

/// How the container is connected.
struct Wiring {
  std::string network;  ///< "none", "bridge", or the job's own
  bool own_network = false;
  std::string gateway;     ///< the host's address there; empty: none
  std::string server_url;  ///< as the container reaches the server; empty: it must not, or cannot
  bool gpus = false;       ///< the engine has them
};

/// The body of /containers/create.
nlohmann::json container_settings(const JobSpec& spec, const Wiring& wiring);
/// "NAME=value": what the platform sets, then the request's. The image's own comes below them.
std::vector<std::string> container_environment(const JobSpec& spec, const Wiring& wiring);

/// Of a program that the engine could not start: 126 or 127 as a shell has it, 0 when it was something else.
/// `code` is what inspect says, by docker; podman has it in the words of its refusal only.
int shell_code(int code, std::string_view refusal);

}  // namespace sagelet::runner
