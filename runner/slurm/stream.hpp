#pragma once
// What a job's hosts and their leader say to each other over srun's streams (docs/design/slurm.md).
//
// Down, srun gives every host the same bytes: an order a line. Up, it mixes what hosts write, cuts lines over
// 1024 bytes, and lets a site's own scripts print among them: a message goes in short lines that are marked
// as ours and say whose they are.
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "runner/spec.hpp"

namespace sagelet::runner {

/// Whole lines of a stream, however long.
class Lines {
 public:
  void feed(std::string_view bytes, const std::function<void(std::string_view)>& line);

 private:
  std::string rest_;
};

// ---- up

/// What a host says: first where it is, then reports, then that its runner has ended.
struct Word {
  int rank = 0;           ///< the host's place in JobSpec::hosts
  std::string node{};     ///< of the first: SLURMD_NODENAME
  std::string address{};  ///< of the first: the node's own, as others reach it
  std::string report{};   ///< a Report's JSON
  std::string gone{};     ///< how its runner ended

  std::string to_lines() const;
};

class Words {
 public:
  /// Gives each word that is whole; `noise` gets lines that are nobody's of ours.
  void feed(std::string_view bytes, const std::function<void(const Word&)>& word,
            const std::function<void(std::string_view)>& noise);

 private:
  void line(std::string_view text, const std::function<void(const Word&)>& word,
            const std::function<void(std::string_view)>& noise);

  Lines lines_;
  std::map<int, std::string> begun_;
};

// ---- down

/// The first order makes the hosts' runners start, a later one stops them. The end of the stream is the
/// leader's.
struct StepOrder {
  bool stop = false;
  std::string spec{};                    ///< the job's, as JSON
  std::string leader{};                  ///< the node whose folder of the job is the leader's
  std::vector<std::string> addresses{};  ///< of the hosts, in order

  std::string to_line() const;
  static Result<StepOrder> from_line(std::string_view text);
};

}  // namespace sagelet::runner
