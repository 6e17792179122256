// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Commitment} from "@veristack/chain-evm/contracts/Claim.sol";

/// What was decided of a request.
struct Answer {
    address claimant;
    /// Digest of the winning claim's output commitment list.
    bytes32 outputs;
    /// Leaves of the requirement that the winning claim satisfies: bit i is leaf i.
    uint8 satisfied;
    /// The request's `validUntil` has passed.
    bool stale;
}

/// @title What a request's callback target implements
interface IInferenceCallback {
    /// @notice Called by the settlement contract, with no more gas than the request's terms say. What it returns is not
    /// read, and where it reverts the money is where it was and anyone may have it called again. Settlement's own
    /// functions, other than views, refuse to be called from within.
    /// @param values The opened output list where the terms ask for a callback at Delivered; empty at Accepted.
    function onInferenceResult(bytes32 id, Answer calldata answer, Commitment[] calldata values) external;
}
