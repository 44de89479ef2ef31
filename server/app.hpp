#pragma once
// The composition root: the only file that knows all rooms. main -> App -> everything.
#include <memory>

#include "base/result.hpp"
#include "server/config.hpp"

namespace sagelet {

/// A running server: storage, services, jobs, gateway, listener, made in that order and ended in the reverse.
class App {
 public:
  /// Opens the data folder (held by a lock file), binds the rooms to one another, listens, adopts jobs.
  static Result<std::unique_ptr<App>> start(const Config& config);
  ~App();

  std::string url() const;
  /// Stops accepting, finishes requests; jobs go on, unless the server is ephemeral. Then the destructor is
  /// quick.
  void shutdown();

 private:
  struct Rooms;
  explicit App(std::unique_ptr<Rooms> rooms);
  std::unique_ptr<Rooms> rooms_;
};

}  // namespace sagelet
