#pragma once
#include <string>

#include "runner/script_mode/environment.hpp"

namespace sagelet::script_mode {

/// A program of that name is in one of the folders of `path`.
bool has_program(const std::string& path, const std::string& name);

/// GPUs by nvidia-smi, Neuron cores by neuron-ls, and smddprun by its presence, where they are on `path`.
Machine look_at_machine(const std::string& path, int cpus);

}  // namespace sagelet::script_mode
