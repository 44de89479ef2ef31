#pragma once
#include <string>
#include <vector>

#include "runner/script_mode/environment.hpp"

namespace sagelet::script_mode {

/// A program of that name is in one of the folders of `path`.
bool has_program(const std::string& path, const std::string& name);

/// What the first word's program, found on `path`, prints; empty when it is missing or fails.
std::string output_of(const std::string& path, std::vector<std::string> words);

/// GPUs by nvidia-smi, Neuron cores by neuron-ls, and smddprun by its presence, where they are on `path`.
Machine look_at_machine(const std::string& path, int cpus);

}  // namespace sagelet::script_mode
