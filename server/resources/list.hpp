#pragma once
// List<noun>s: filters, order and pages from the request's members; the answer spliced from stored rows.
#include <functional>

#include "server/resources/resource_type.hpp"

namespace sagelet::resources {

/// NameContains, CreationTimeAfter/Before, LastModifiedTimeAfter/Before, StatusEquals, SortBy, SortOrder,
/// MaxResults and NextToken, as far as the request has them. A NextToken that is not ours, or came with other
/// filters, is refused.
Reply<Query> query_of(const ResourceType& type, const Input& input);

/// {"<member>":[rows],"NextToken":"..."}
std::string list_answer(std::string_view member, const Page& page, const Input& input);

/// `narrow` adds a noun's own filters.
Reply<Output> list(storage::Ledger& ledger, const Context& context, const ResourceType& type,
                   const Input& input, const std::function<void(Query&)>& narrow = nullptr);
Reply<Output> describe(storage::Ledger& ledger, const Context& context, const ResourceType& type,
                       const Input& input);

/// Opaque: where a page ended, tied to the request's members other than NextToken and MaxResults.
std::string token_of(const Position& position, const Input& input);
/// The error is AWS's for a bad token.
Reply<Position> position_from(const std::string& token, const Input& input);

}  // namespace sagelet::resources
