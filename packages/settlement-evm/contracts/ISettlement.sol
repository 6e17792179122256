// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Commitment, Policy} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";

/// A request without what the settlement contract fills in itself: chain id and its own address.
struct RequestFields {
    bytes32 program;
    bytes32 inputs;
    bytes32 requirement;
    bytes32 terms;
    address payer;
    uint256 priceWei;
    bytes32 nonce;
    uint64 expiresAt;
}

/// What payer and claimant agree with this contract. Its EIP-712 struct hash is the second member of
/// `Terms(bytes32 application,bytes32 settlement)`, whose hash is the request's `terms`.
/// Times are Unix seconds. Members marked (*) must be zero for now.
struct SettlementTerms {
    /// (*) ERC-20 to pay in; zero: the chain's coin.
    address token;
    /// Until `exclusiveUntil`, inclusive, only this claimant's claims are accepted; both zero: anyone's.
    address exclusiveClaimant;
    uint64 exclusiveUntil;
    /// (*) After it the answer counts as stale; zero: never.
    uint64 validUntil;
    /// Between the last moment of submission and the first of refund.
    uint32 graceSeconds;
    /// (*) Called when the request reaches `callbackState`, with `callbackGas`; zero: nobody.
    address callbackTarget;
    uint32 callbackGas;
    uint8 callbackState;
    /// (*) For whoever finalizes a pending claim.
    uint96 tipWei;
}

/// Everything that a request id stands for.
struct Order {
    RequestFields request;
    SettlementTerms terms;
    /// Digest of the application's own facts, the first member of `Terms`.
    bytes32 application;
}

/// Opens the request's `requirement`: hashes of the distinct leaves, and the formula over their indices.
struct Requirement {
    bytes32[] leaves;
    bytes formula;
}

/// One leaf's evidence for one claim.
struct Submission {
    /// Which leaf of the requirement; `policy` opens it.
    uint8 leaf;
    Policy policy;
    address claimant;
    /// Digest of the claim's output commitment list.
    bytes32 outputs;
    /// The claimant's, over the claim digest: r ‖ s ‖ v, low s, v 27 or 28.
    bytes signature;
    bytes evidence;
}

/// Pending is derived: open with at least one claim that waits for its verifier.
enum State {
    None,
    Open,
    Pending,
    Accepted,
    Delivered,
    Refunded
}

struct Result {
    State state;
    /// Claims that wait for their verifier.
    uint8 pending;
    /// Leaves that the winning claim satisfies: bit i is leaf i.
    uint8 satisfied;
    uint64 acceptedAt;
    address claimant;
    bytes32 outputs;
}

/// @title Requests, escrow, claims and delivery
interface ISettlement {
    /// Everything that is needed to answer the request, to claim it and to take it back.
    event Requested(bytes32 indexed id, address indexed payer, bytes32 indexed program, Order order, Policy[] policies, bytes formula);
    event ClaimPending(
        bytes32 indexed id, bytes32 indexed claim, address indexed claimant, bytes32 outputs, uint8 leaf, bytes32 evidenceHash, uint64 finalAt
    );
    /// The verifier took a pending claim back; it is as if it had not been submitted.
    event ClaimDropped(bytes32 indexed id, bytes32 indexed claim, uint8 leaf, bytes32 evidenceHash);
    /// The request is decided: `claimant` was credited `amountWei` and nobody else ever is.
    event Accepted(
        bytes32 indexed id, bytes32 indexed claim, address indexed claimant, bytes32 outputs, uint8 satisfied, address token, uint256 amountWei
    );
    event Delivered(bytes32 indexed id, Commitment[] outputs);
    event Refunded(bytes32 indexed id, address indexed payer, address token, uint256 amountWei);
    event Withdrawn(address indexed account, address indexed token, address to, uint256 amountWei);

    /// Only the payer may place a request: what is escrowed is what its payer agreed to.
    error NotPayer(address payer, address sender);
    error WrongValue(uint256 expectedWei, uint256 sentWei);
    error AlreadyRequested(bytes32 id);
    /// The request expires in the past, or more than a year from now.
    error BadExpiry(uint64 expiresAt);
    /// The terms passed in do not hash to the request's `terms`.
    error TermsMismatch(bytes32 expected, bytes32 actual);
    /// The leaves and formula passed in do not hash to the request's `requirement`.
    error RequirementMismatch(bytes32 expected, bytes32 actual);
    /// The policy passed in is not the requirement's leaf of that index.
    error PolicyMismatch(uint8 leaf);
    error UnsupportedToken(address token);
    error UnsupportedCallback(address target);
    error UnsupportedTip(uint96 tipWei);
    error UnsupportedValidity(uint64 validUntil);
    /// Only a requirement of a single leaf is settled for now.
    error UnsupportedRequirement(uint256 leaves, bytes formula);
    error BadGrace(uint32 graceSeconds);
    /// One of the two exclusive members is zero and the other is not.
    error BadExclusivity(address claimant, uint64 until);
    /// No request with this id is in the state that the call needs. An unknown request, or one whose fields were
    /// changed (its id is then another one), is in state None.
    error WrongState(bytes32 id, State actual);
    error SubmissionClosed(uint64 expiresAt);
    error Exclusive(address claimant, uint64 until);
    /// The claimant did not sign this claim: another signer, high s, other outputs, request, chain or contract.
    error BadSignature(address claimant);
    /// The code at the pinned address is not the pinned code.
    error VerifierChanged(address verifier, bytes32 expected, bytes32 actual);
    /// The verifier rejected the evidence, failed, or answered in no known form.
    error EvidenceRejected(address verifier);
    error TooManyPending(bytes32 id);
    error AlreadyPending(bytes32 claim);
    error NotPending(bytes32 claim);
    /// The verifier still waits, until the same time as before.
    error NotFinal(uint64 finalAt);
    /// The verifier did not accept, but too little gas was left to give it all that it may use.
    error InsufficientGas(uint256 required);
    error RefundTooEarly(uint256 refundableFrom);
    /// The output list passed in is not the one that the winning claim commits to.
    error OutputsMismatch(bytes32 expected, bytes32 actual);
    error NothingToWithdraw(address account, address token);
    error BadRecipient();

    function request(Order calldata order, Policy[] calldata policies, bytes calldata formula) external payable returns (bytes32 id);
    function submit(Order calldata order, Requirement calldata requirement, Submission calldata submission) external returns (Status);
    function finalize(Order calldata order, Requirement calldata requirement, Submission calldata submission) external returns (Status);
    function deliver(Order calldata order, Commitment[] calldata outputs) external;
    function refund(Order calldata order) external;
    function withdraw(address token, address payable to) external returns (uint256 amountWei);
    function getResult(bytes32 id) external view returns (Result memory);
    function creditOf(address token, address account) external view returns (uint256 amountWei);
    function pendingUntil(bytes32 claim, uint8 leaf, bytes32 evidenceHash) external view returns (uint64 finalAt);
    function requestId(Order calldata order) external view returns (bytes32);
}
