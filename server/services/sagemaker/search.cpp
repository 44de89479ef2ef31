#include "server/services/sagemaker/search.hpp"

#include <algorithm>

#include "server/resources/decide.hpp"
#include "server/resources/list.hpp"
#include "server/services/sagemaker/nouns.hpp"
#include "server/services/sagemaker/search_expression.hpp"

namespace sagelet::sagemaker {

using resources::lifted;
using resources::Record;
using storage::Connection;

namespace {

/// A record that matched, and what it is sorted by.
struct Hit {
  std::int64_t id = 0;
  double number = 0;
  std::string text;
  bool sortable = true;
};

/// Numbers before texts; records without the property last, whatever the order.
bool before(const Hit& a, const Hit& b, bool descending) {
  if (a.sortable != b.sortable) return a.sortable;
  const auto key = [](const Hit& hit) { return std::tie(hit.number, hit.text); };
  return descending ? key(b) < key(a) : key(a) < key(b);
}

std::string with_tags(const Record& record) {
  std::string text = record.answer();
  text.pop_back();
  return text.append(",\"Tags\":").append(record.tags).append("}");
}

/// One search over the records of one scope.
class Sweep {
 public:
  explicit Sweep(const Input& input)
      : expression_(input.params.value("SearchExpression", Document::object())),
        sort_by_(input.has("SortBy") ? input.text("SortBy") : "LastModifiedTime"),
        descending_(input.text("SortOrder") != "Ascending") {}

  void look_at(const Record& record) {
    const bool by_time = sort_by_ == "LastModifiedTime" || sort_by_ == "CreationTime";
    Hit hit{.id = record.id};
    if (by_time)
      hit.number = static_cast<double>(sort_by_ == "CreationTime" ? record.created_ms : record.modified_ms);
    if (!expression_.empty() || !by_time) {
      const std::string text = with_tags(record);
      if (!may_match(expression_, text)) return;
      const Document whole = Document::parse(text);
      if (!matches(expression_, whole)) return;
      if (!by_time) sort_by_property(whole, hit);
    }
    hits_.push_back(std::move(hit));
  }

  std::vector<Hit> sorted() {
    std::stable_sort(hits_.begin(), hits_.end(),
                     [this](const Hit& a, const Hit& b) { return before(a, b, descending_); });
    return std::move(hits_);
  }

 private:
  void sort_by_property(const Document& record, Hit& hit) const {
    const auto values = property(record, sort_by_);
    hit.sortable = !values.empty() && (values.front()->is_number() || values.front()->is_string());
    if (!hit.sortable) return;
    if (values.front()->is_number()) hit.number = values.front()->get<double>();
    if (values.front()->is_string()) hit.text = values.front()->get<std::string>();
  }

  Document expression_;
  std::string sort_by_;
  bool descending_;
  std::vector<Hit> hits_;
};

/// {"Results":[{"TrainingJob":...}],"NextToken":...}: the hits from `from` on.
Reply<std::string> answer_of(Connection& connection, const std::vector<Hit>& hits, std::size_t from,
                             const Input& input) {
  const std::size_t to =
      std::min(hits.size(), from + static_cast<std::size_t>(input.number("MaxResults", 10)));
  resources::Page page;
  for (std::size_t i = from; i < to; ++i) {
    TRY(const Record record, lifted(resources::find_by_id(connection, hits[i].id)));
    if (i > from) page.rows += ',';
    page.rows.append("{\"TrainingJob\":").append(with_tags(record)).append("}");
  }
  if (to < hits.size()) page.next = resources::Position{.text = "", .number = static_cast<std::int64_t>(to)};
  return resources::list_answer("Results", page, input);
}

}  // namespace

Reply<Output> Search::run(const Context& context, const Input& input) {
  std::size_t from = 0;
  if (const auto token = input.maybe_text("NextToken")) {
    TRY(const auto position, resources::position_from(*token, input));
    from = static_cast<std::size_t>(std::max<std::int64_t>(0, position.number));
  }
  Output output;
  if (input.text("Resource") != "TrainingJob") {
    output.fields = {{"Results", Document::array()}};
    return output;
  }
  auto searched = resources::look(ledger_, [&](Connection& connection) -> Reply<void> {
    Sweep sweep(input);
    TRY(lifted(resources::each(connection, kTrainingJob.scope(context), [&](Record& record) {
      sweep.look_at(record);
      return true;
    })));
    TRY(output.ready, answer_of(connection, sweep.sorted(), from, input));
    return {};
  });
  TRY(std::move(searched));
  return output;
}

}  // namespace sagelet::sagemaker
