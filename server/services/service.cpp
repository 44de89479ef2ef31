#include "server/services/service.hpp"

#include <cstdlib>

#include "base/log.hpp"

namespace sagelet {

Reply<std::unique_ptr<http::BodySink>> Service::sink(Context&, const model::Operation& operation,
                                                     const Document&, std::optional<std::uint64_t>) {
  log::error("{} has a streaming body and no sink for it", operation.name);
  return api::Error::internal();
}

Reply<FormRequest> Service::request_of(Context&, const Form&) {
  return api::Error::make("NotImplemented", "This service takes no forms.", 501);
}

const Handler* TableService::handler(const model::Operation& operation) const {
  const auto found = handlers_.find(&operation);
  return found == handlers_.end() ? nullptr : &found->second;
}

void TableService::add(std::string_view operation, Handler handler) {
  const auto* known = model_.operation(operation);
  if (known == nullptr) {
    log::error("service {} has no operation {}", model_.name, operation);
    std::abort();
  }
  handlers_.insert_or_assign(known, std::move(handler));
}

void TableService::on(std::string_view operation, Call call) {
  add(operation, Handler{std::move(call), false});
}

void TableService::on_waiting(std::string_view operation, Call call) {
  add(operation, Handler{std::move(call), true});
}

}  // namespace sagelet
