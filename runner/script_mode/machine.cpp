#include "runner/script_mode/machine.hpp"

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "base/child.hpp"

namespace sagelet::script_mode {
namespace {

std::string find(const std::string& path, const std::string& name) {
  std::istringstream folders(path);
  for (std::string folder; std::getline(folders, folder, ':');)
    if (const std::string file = folder + "/" + name; ::access(file.c_str(), X_OK) == 0) return file;
  return {};
}

int count_gpus(const std::string& list) {
  int count = 0;
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) count += line.starts_with("GPU ") ? 1 : 0;
  return count;
}

int count_neurons(const std::string& list) {
  const auto json = nlohmann::json::parse(list, nullptr, false);
  int count = 0;
  if (json.is_array())
    for (const auto& item : json)
      if (const auto found = item.find("nc_count"); found != item.end() && found->is_number_integer())
        count += found->get<int>();
  return count;
}

}  // namespace

std::string output_of(const std::string& path, std::vector<std::string> words) {
  words.front() = find(path, words.front());
  auto pipe = make_pipe();
  if (words.front().empty() || !pipe) return {};
  auto child = Child::start({.argv = std::move(words),
                             .environment = {},
                             .working_folder = {},
                             .stdout_fd = pipe->write.get(),
                             .inherited_fds = {}});
  pipe->write.reset();
  std::string text, buffer(4096, '\0');
  while (child) {
    const auto got = read_some(pipe->read.get(), buffer);
    if (!got || *got == 0) break;
    text.append(buffer, 0, *got);
  }
  const auto status = child ? child->wait(std::chrono::seconds(10)) : std::nullopt;
  return status && status->ok() ? text : std::string();
}

bool has_program(const std::string& path, const std::string& name) {
  return !find(path, name).empty();
}

Machine look_at_machine(const std::string& path, int cpus) {
  return {.cpus = cpus,
          .gpus = count_gpus(output_of(path, {"nvidia-smi", "--list-gpus"})),
          .neurons = count_neurons(output_of(path, {"neuron-ls", "-j"})),
          .smddprun = !find(path, "smddprun").empty(),
          .smddpmprun = !find(path, "smddpmprun").empty()};
}

}  // namespace sagelet::script_mode
