#include "server/model/patterns.hpp"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sagelet::model {
namespace {

constexpr std::uint32_t kMaxSteps = 1'000'000;  // about 20 ms at worst

/// Java's spellings that PCRE2 refuses or reads otherwise.
constexpr std::pair<std::string_view, std::string_view> kSpellings[] = {
    {"\\w-", "\\w\\-"},
    {"\\d-", "\\d\\-"},
    {"\\p{Alnum}", "\\p{Xan}"},
    {"${", "(?:$){"},
    {"\\uD800\\uDC00-\\uDBFF\\uDFFF", "\xF0\x90\x80\x80-\xF4\x8F\xBF\xBF"},
};

std::string in_perl(std::string_view pattern) {
  std::string out(pattern);
  for (const auto& [java, perl] : kSpellings) {
    for (std::size_t at = out.find(java); at != std::string::npos; at = out.find(java, at + perl.size())) {
      out.replace(at, java.size(), perl);
    }
  }
  return out;
}

struct Compiled {
  explicit Compiled(std::string_view pattern) : text(pattern) {
    constexpr std::uint32_t kHow =
        PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX;
    int error = 0;
    PCRE2_SIZE offset = 0;
    const std::string perl = in_perl(pattern);
    code =
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(perl.data()), perl.size(), kHow, &error, &offset, nullptr);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() { pcre2_code_free(code); }

  std::string_view text;
  pcre2_code* code = nullptr;  ///< null: PCRE2 does not understand it
};

/// One slot a pattern of the compiled-in services; patterns of models made at run time sit in a map.
class Cache {
 public:
  Cache() : slots_(pattern_count()) {}
  ~Cache() {
    for (auto& slot : slots_) delete slot.load();
  }

  const Compiled& get(const Shape& shape) {
    if (shape.pattern_index >= slots_.size()) return other(shape.pattern);
    auto& slot = slots_[shape.pattern_index];
    const Compiled* known = slot.load(std::memory_order_acquire);
    if (known == nullptr) {
      // Two threads may both compile it; one of them keeps its own.
      auto mine = std::make_unique<const Compiled>(shape.pattern);
      if (slot.compare_exchange_strong(known, mine.get())) known = mine.release();
    }
    return known->text == shape.pattern ? *known : other(shape.pattern);
  }

 private:
  const Compiled& other(std::string_view pattern) {
    const std::lock_guard lock(mutex_);
    auto found = others_.find(pattern);
    if (found == others_.end()) found = others_.try_emplace(std::string(pattern)).first;
    if (!found->second) found->second = std::make_unique<const Compiled>(found->first);
    return *found->second;
  }

  std::vector<std::atomic<const Compiled*>> slots_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<const Compiled>, std::less<>> others_;
};

Cache& cache() {
  static Cache all;
  return all;
}

/// What one thread needs to run a match.
struct Matcher {
  Matcher() : data(pcre2_match_data_create(1, nullptr)), context(pcre2_match_context_create(nullptr)) {
    pcre2_set_match_limit(context, kMaxSteps);
  }
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;
  ~Matcher() {
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
  pcre2_match_data* data;
  pcre2_match_context* context;
};

}  // namespace

bool matches_pattern(const Shape& shape, std::string_view text) {
  if (shape.pattern.empty()) return true;
  const Compiled& pattern = cache().get(shape);
  if (pattern.code == nullptr) return true;
  thread_local Matcher matcher;
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  return pcre2_match(pattern.code, subject, text.size(), 0, 0, matcher.data, matcher.context) >= 0;
}

bool pattern_compiles(const Shape& shape) {
  return shape.pattern.empty() || cache().get(shape).code != nullptr;
}

}  // namespace sagelet::model
