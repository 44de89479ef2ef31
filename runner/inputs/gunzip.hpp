#pragma once
// Gzip undone while it streams, members one after the other as one.
#include <functional>
#include <memory>
#include <string_view>

#include "base/result.hpp"

namespace sagelet::runner {

class Gunzip {
 public:
  using Sink = std::function<Status(std::string_view)>;
  Gunzip();
  ~Gunzip();
  /// kInvalid: not gzip. The sink's own error comes back as it is.
  Status put(std::string_view bytes, const Sink& sink);
  /// kInvalid: it ends in the middle.
  Status end() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sagelet::runner
