#pragma once
// The actions that a policy may name, and what each acts on.
#include <string_view>

namespace sagelet::s3 {

/// What the actions act on that fit a pattern ("s3:Get*", "*").
struct ActionTargets {
  bool bucket = false;
  bool object = false;
  bool any() const { return bucket || object; }
};

ActionTargets targets_of(std::string_view action_pattern);

}  // namespace sagelet::s3
