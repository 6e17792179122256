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
/// Times are Unix seconds. Price and tip are in the smallest unit of `token`.
struct SettlementTerms {
    /// ERC-20 to pay in; zero: the chain's coin. A token that takes fees on transfers is refused; one whose balances
    /// change by themselves is not safe to pay in.
    address token;
    /// Until `exclusiveUntil`, inclusive, only this claimant's claims are accepted; both zero: anyone's.
    address exclusiveClaimant;
    uint64 exclusiveUntil;
    /// After it the answer counts as stale; zero: never. Not before `expiresAt`, and not after 2106.
    uint64 validUntil;
    /// Between the last moment of submission and the first of refund.
    uint32 graceSeconds;
    /// An {IInferenceCallback}, called when the request reaches `callbackState` (Accepted or Delivered) with
    /// `callbackGas`; all three zero: nobody.
    address callbackTarget;
    uint32 callbackGas;
    uint8 callbackState;
    /// Escrowed beside the price, for whoever sends the {ISettlement.finalize} that decides the request; the payer's
    /// again where none does.
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

/// An EIP-2612 permit by the payer for the settlement contract, over price and tip.
struct Permit {
    uint256 deadline;
    uint8 v;
    bytes32 r;
    bytes32 s;
}

/// What became of the callback. Failed ones may be called again.
enum Callback {
    None,
    Failed,
    Succeeded
}

/// Pending is derived: open with at least one claim that waits for a verifier.
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
    /// Claims that wait for a verifier.
    uint8 pending;
    /// Leaves that the winning claim satisfies: bit i is leaf i.
    uint8 satisfied;
    uint64 acceptedAt;
    address claimant;
    bytes32 outputs;
    /// The request's `validUntil`, and whether it has passed.
    uint64 validUntil;
    bool stale;
    Callback callback;
}

/// What a request costs whom.
struct Quote {
    /// Taken from the payer with the request: price and tip, in units of the token.
    uint256 escrow;
    /// Coin to send with the request.
    uint256 valueWei;
    /// Gas that the transaction which makes the callback needs on top of its own, and what that costs its sender.
    uint256 callbackGas;
    uint256 callbackWei;
}

/// @title Requests, escrow, claims and delivery
interface ISettlement {
    /// Everything that is needed to answer the request, to claim it and to take it back.
    event Requested(bytes32 indexed id, address indexed payer, bytes32 indexed program, Order order, Policy[] policies, bytes formula);
    event ClaimPending(
        bytes32 indexed id, bytes32 indexed claim, address indexed claimant, bytes32 outputs, uint8 leaf, bytes32 evidenceHash, uint64 finalAt
    );
    /// The verifier took pending evidence back; it is as if it had not been submitted.
    event ClaimDropped(bytes32 indexed id, bytes32 indexed claim, uint8 leaf, bytes32 evidenceHash);
    /// A verifier accepted one leaf and the requirement is not met yet. Evidence with this hash waits no longer.
    event LeafSatisfied(
        bytes32 indexed id, bytes32 indexed claim, address indexed claimant, bytes32 outputs, uint8 leaf, bytes32 evidenceHash, uint8 satisfied
    );
    /// A leaf more of the winning claim, after the decision.
    event Attached(bytes32 indexed id, bytes32 indexed claim, uint8 leaf, uint8 satisfied);
    /// The request is decided: `claimant` was credited `amountWei` and nobody else ever is.
    event Accepted(
        bytes32 indexed id, bytes32 indexed claim, address indexed claimant, bytes32 outputs, uint8 satisfied, address token, uint256 amountWei
    );
    event Delivered(bytes32 indexed id, Commitment[] outputs);
    event CalledBack(bytes32 indexed id, address indexed target, bool succeeded);
    /// The tip, to whoever finalized or back to the payer. Where the price is refunded it is part of that.
    event TipCredited(bytes32 indexed id, address indexed account, address token, uint256 amountWei);
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
    /// Two leaves ask the same contract with the same parameters, so one piece of evidence would satisfy both.
    error DuplicateLeaf(uint256 first, uint256 second);
    /// The token moved another amount than it was told to.
    error WrongTokenAmount(address token, uint256 expected, uint256 received);
    /// Target, gas and state are not all zero and not all set, the state is not Accepted or Delivered, the gas is more
    /// than 2,000,000, or the target is this contract.
    error BadCallback(address target, uint32 gas, uint8 state);
    /// `validUntil` is before `expiresAt`, or after 2106.
    error BadValidity(uint64 validUntil);
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
    /// Evidence that its verifier leaves undecided is longer than 65,536 bytes.
    error EvidenceTooLong(uint256 length);
    /// 16 claims of the request, or 16 pieces of evidence of this claim, wait.
    error TooManyPending(bytes32 id);
    /// This claim satisfies this leaf already.
    error AlreadySatisfied(uint8 leaf);
    error AlreadyPending(bytes32 claim);
    error NotPending(bytes32 claim);
    /// The verifier still waits, until the same time as before.
    error NotFinal(uint64 finalAt);
    /// Too little gas was left to give a verifier that did not accept, or a callback, all that it may use.
    error InsufficientGas(uint256 required);
    error RefundTooEarly(uint256 refundableFrom);
    /// The output list passed in is not the one that the winning claim commits to.
    error OutputsMismatch(bytes32 expected, bytes32 actual);
    /// The output list is longer than 16,384 bytes as calldata.
    error OutputsTooLong(uint256 length);
    /// No callback of this request failed.
    error NothingToRetry(bytes32 id);
    error NothingToWithdraw(address account, address token);
    error BadRecipient();

    function request(Order calldata order, Policy[] calldata policies, bytes calldata formula) external payable returns (bytes32 id);
    function requestWithPermit(Order calldata order, Policy[] calldata policies, bytes calldata formula, Permit calldata permit)
        external
        returns (bytes32 id);
    function submit(Order calldata order, Requirement calldata requirement, Submission calldata submission) external returns (Status);
    function finalize(Order calldata order, Requirement calldata requirement, Submission calldata submission) external returns (Status);
    function attach(Order calldata order, Requirement calldata requirement, Submission calldata submission)
        external
        returns (uint8 satisfied);
    function deliver(Order calldata order, Commitment[] calldata outputs) external;
    function retryCallback(Order calldata order, Commitment[] calldata outputs, uint256 callbackGas) external returns (bool succeeded);
    function refund(Order calldata order) external;
    function withdraw(address token, address payable to) external returns (uint256 amountWei);
    function getResult(bytes32 id) external view returns (Result memory);
    function creditOf(address token, address account) external view returns (uint256 amountWei);
    function pendingUntil(bytes32 claim, uint8 leaf, bytes32 evidenceHash) external view returns (uint64 finalAt);
    function progressOf(bytes32 claim) external view returns (uint8 satisfied, uint8 waiting);
    function requestId(Order calldata order) external view returns (bytes32);
    function quote(Order calldata order, uint256 gasPriceWei) external view returns (Quote memory);
}
