// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Claim} from "./Claim.sol";

/// What a verifier says of a claim and one piece of evidence.
enum Status {
    Rejected,
    Pending,
    Accepted
}

/// @title What a tier's contract implements
/// @notice Called by STATICCALL with capped gas; 64 bytes of the answer are read. A revert counts as Rejected, so a
/// verifier answers Rejected to malformed evidence, and should.
interface IClaimVerifier {
    /// @param claim Built by the settlement contract from the request it holds, never from what a submitter sent.
    /// A verifier computes the digest itself, with `block.chainid`, and refuses a claim for another chain.
    /// @param params Pinned by the requirement's policy.
    /// @param evidence From the submitter: hostile.
    /// @return status Accepted only where nothing can take it back.
    /// @return finalAt For Pending: Unix seconds, in the future, when the answer changes unless something happens
    /// before; at that time it is Accepted, Rejected or Pending until later. Otherwise 0.
    function check(Claim calldata claim, bytes calldata params, bytes calldata evidence)
        external
        view
        returns (Status status, uint64 finalAt);
}
