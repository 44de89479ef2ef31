#include "runner/sandbox/make_sandbox.hpp"

#include <net/if.h>

#include "runner/sandbox/docker/docker_sandbox.hpp"

namespace sagelet::runner {

/// Libraries bind to the interface they are told, so it must be one that exists.
std::string Sandbox::interface_name() const {
  return ::if_nametoindex("eth0") != 0 ? "eth0" : "lo";
}

Result<UniqueFd> Sandbox::mount_fuse(const std::string&) {
  return Error(ErrorKind::kUnavailable, "this machine gives us no mount namespace");
}

Status Sandbox::show_folder(const std::string&, const std::string&, bool) {
  return Error(ErrorKind::kUnavailable, "this machine gives us no mount namespace");
}

const std::vector<std::string>& Sandbox::notes() const {
  static const std::vector<std::string> none;
  return none;
}

Result<std::unique_ptr<Sandbox>> make_sandbox(const JobSpec& spec, const SandboxPlan& plan) {
  if (spec.sandbox == "docker") return DockerSandbox::make(spec);
  TRY(std::unique_ptr<Sandbox> sandbox, ProcessSandbox::make(plan));
  return sandbox;
}

Result<std::unique_ptr<Sandbox>> find_sandbox(const JobSpec& spec, const Progress& progress) {
  return DockerSandbox::find(spec, progress);
}

}  // namespace sagelet::runner
