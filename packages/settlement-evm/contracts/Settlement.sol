// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Claim, Commitment, Policy, Request, Terms, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {IClaimVerifier, Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {
    ISettlement,
    Order,
    Requirement,
    Result,
    SettlementTerms,
    State,
    Submission
} from "./ISettlement.sol";

/// @title Paid once, and only for what was verified
/// @notice A payer escrows a price for a request that pins how an answer must be verified. Whoever brings a signed
/// claim with evidence that the pinned verifier accepts fixes the answer and has the claimant credited. Without one,
/// the payer is credited after the deadline.
///
/// INVARIANTS
/// 1. Solvency: the balance is at least the prices of the requests that are open (pending ones included) plus all
///    credits.
/// 2. Once: a request's price is credited exactly once, to the winning claimant or to the payer. Only {_accept} and
///    {refund} credit; each requires the request to be open and ends that for good.
/// 3. Only for what was verified: {_accept} is reached only where the code that the request pins, at the pinned
///    address, answered Accepted in the same call for the claim that this contract built from the stored request, and
///    the claimant signed that claim.
/// 4. No refund before `expiresAt + graceSeconds`, nor while a claim that was submitted in time waits for its
///    verifier.
/// 5. A claim never depends on who sends the transaction, and no claim keeps another one out: pending claims are
///    counted, not exclusive, and the first one accepted wins.
///
/// STORAGE is keyed by the request id, the EIP-712 digest of the request for this chain and contract. The request is
/// passed in again by every call and its digest is recomputed, so nothing in it can differ from what was escrowed.
/// Satisfied leaves are a bitmap per claim digest, bit i for leaf i of the requirement; with one leaf only the winning
/// claim's bitmap is ever stored, with the request.
///
/// There is no owner, no upgrade, and no way to move escrow other than the two above.
contract Settlement is ISettlement, ReentrancyGuardTransient {
    /// Two slots. `outputs` identifies the winning claim: the rest of it is the request and `claimant`.
    struct Entry {
        State state; // None, Open, Accepted, Delivered or Refunded
        uint8 pending;
        uint8 satisfied;
        uint64 acceptedAt;
        address claimant;
        bytes32 outputs;
    }

    bytes32 public constant SETTLEMENT_TERMS_TYPEHASH = keccak256(
        "SettlementTerms(address token,address exclusiveClaimant,uint64 exclusiveUntil,uint64 validUntil,uint32 graceSeconds,address callbackTarget,uint32 callbackGas,uint8 callbackState,uint96 tipWei)"
    );
    /// Gas that a verifier may use.
    uint256 public constant VERIFIER_GAS = 3_000_000;
    /// What must be left for the verifier to get that much: EIP-150 hands on 63/64, and the call itself costs a little.
    uint256 private constant FULL_SHARE = VERIFIER_GAS + VERIFIER_GAS / 63 + 10_000;
    /// Pending claims a request may have at one time.
    uint256 public constant MAX_PENDING = 16;
    uint256 public constant MAX_LIFETIME = 366 days;
    uint256 public constant MAX_GRACE = 90 days;
    /// A verifier's answer is final by `expiresAt` plus this, or the claim is dropped: escrow is never locked for good.
    uint256 public constant MAX_WINDOW = 90 days;

    mapping(bytes32 id => Entry) private _entries;
    /// Pending evidence by keccak256(claim digest, leaf, evidence hash): anyone may carry a claim in, so worse evidence
    /// for the same claim must not stand in the way of better.
    mapping(bytes32 key => uint64 finalAt) private _finalAt;
    mapping(address token => mapping(address account => uint256 amountWei)) private _credits;

    /// @notice Places a request and escrows its price. The sender is the payer.
    /// @param policies One for each leaf of the requirement, in order.
    function request(Order calldata order, Policy[] calldata policies, bytes calldata formula)
        external
        payable
        nonReentrant
        returns (bytes32 id)
    {
        _checkTerms(order);
        uint64 expiresAt = order.request.expiresAt;
        if (expiresAt < block.timestamp || expiresAt > block.timestamp + MAX_LIFETIME) revert BadExpiry(expiresAt);
        if (order.request.payer != msg.sender) revert NotPayer(order.request.payer, msg.sender);
        if (order.request.priceWei != msg.value) revert WrongValue(order.request.priceWei, msg.value);

        bytes32[] memory leaves = new bytes32[](policies.length);
        for (uint256 i = 0; i < policies.length; ++i) {
            _checkVerifier(policies[i]);
            leaves[i] = TypedData.leaf(policies[i]);
        }
        _checkRequirement(order, leaves, formula);

        id = _id(order);
        Entry storage entry = _entries[id];
        if (entry.state != State.None) revert AlreadyRequested(id);
        entry.state = State.Open;
        emit Requested(id, msg.sender, order.request.program, order, policies, formula);
    }

    /// @notice Submits a claim with one leaf's evidence. Anyone may send it; the claimant is credited.
    /// @return Accepted, or Pending where the verifier has not decided yet: then {finalize} follows.
    function submit(Order calldata order, Requirement calldata requirement, Submission calldata submission)
        external
        nonReentrant
        returns (Status)
    {
        (bytes32 id, Entry storage entry) = _open(order);
        _checkSubmission(order, requirement, submission);
        if (block.timestamp > order.request.expiresAt) revert SubmissionClosed(order.request.expiresAt);
        if (
            order.terms.exclusiveClaimant != submission.claimant && order.terms.exclusiveClaimant != address(0)
                && block.timestamp <= order.terms.exclusiveUntil
        ) revert Exclusive(order.terms.exclusiveClaimant, order.terms.exclusiveUntil);

        Claim memory claim = _claim(id, order, submission);
        bytes32 digest = TypedData.digest(claim);
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, submission.signature);
        if (problem != ECDSA.RecoverError.NoError || signer != submission.claimant) {
            revert BadSignature(submission.claimant);
        }

        _checkVerifier(submission.policy);
        (Status status, uint64 finalAt) = _ask(order, claim, submission);
        if (status == Status.Rejected) revert EvidenceRejected(submission.policy.verifier);
        if (status == Status.Accepted) {
            _accept(id, entry, digest, order, submission);
        } else {
            (bytes32 key, bytes32 evidenceHash) = _pendingKey(digest, submission);
            if (_finalAt[key] != 0) revert AlreadyPending(digest);
            if (entry.pending == MAX_PENDING) revert TooManyPending(id);
            _finalAt[key] = finalAt;
            ++entry.pending;
            emit ClaimPending(
                id, digest, submission.claimant, submission.outputs, submission.leaf, evidenceHash, finalAt
            );
        }
        return status;
    }

    /// @notice Asks the verifier of a pending claim again; anyone may. Takes what was submitted; the signature was
    /// checked then and is not looked at. Accepted decides the request, Pending until another time is recorded, and
    /// anything else drops the claim, a verifier whose code is no longer the pinned one included.
    function finalize(Order calldata order, Requirement calldata requirement, Submission calldata submission)
        external
        nonReentrant
        returns (Status status)
    {
        (bytes32 id, Entry storage entry) = _open(order);
        Claim memory claim = _claim(id, order, submission);
        bytes32 digest = TypedData.digest(claim);
        (bytes32 key, bytes32 evidenceHash) = _pendingKey(digest, submission);
        uint64 before = _finalAt[key];
        if (before == 0) revert NotPending(digest);
        _checkSubmission(order, requirement, submission);

        uint64 finalAt;
        if (_isPinned(submission.policy)) (status, finalAt) = _ask(order, claim, submission);
        if (status == Status.Pending) {
            if (finalAt == before) revert NotFinal(finalAt);
            _finalAt[key] = finalAt;
            emit ClaimPending(
                id, digest, submission.claimant, submission.outputs, submission.leaf, evidenceHash, finalAt
            );
            return status;
        }
        delete _finalAt[key];
        --entry.pending;
        if (status == Status.Accepted) _accept(id, entry, digest, order, submission);
        else emit ClaimDropped(id, digest, submission.leaf, evidenceHash);
    }

    /// @notice Publishes the accepted answer. Anyone who has it may.
    /// @param outputs The claim's output commitment list; raw entries are the values themselves.
    function deliver(Order calldata order, Commitment[] calldata outputs) external nonReentrant {
        bytes32 id = _id(order);
        Entry storage entry = _entries[id];
        if (entry.state != State.Accepted) revert WrongState(id, _stateOf(entry));
        bytes32 digest = TypedData.commitments(outputs);
        if (digest != entry.outputs) revert OutputsMismatch(entry.outputs, digest);
        entry.state = State.Delivered;
        emit Delivered(id, outputs);
    }

    /// @notice Credits the price back to the payer, after deadline and grace, with nothing pending. Anyone may call it.
    function refund(Order calldata order) external nonReentrant {
        (bytes32 id, Entry storage entry) = _open(order);
        _checkTerms(order);
        if (entry.pending != 0) revert WrongState(id, State.Pending);
        uint256 from = uint256(order.request.expiresAt) + order.terms.graceSeconds + 1;
        if (block.timestamp < from) revert RefundTooEarly(from);
        entry.state = State.Refunded;
        _credit(order.terms.token, order.request.payer, order.request.priceWei);
        emit Refunded(id, order.request.payer, order.terms.token, order.request.priceWei);
    }

    /// @notice Pays out all that the sender was credited.
    /// @param token Zero: the chain's coin.
    function withdraw(address token, address payable to) external nonReentrant returns (uint256 amountWei) {
        if (to == address(0) || to == address(this)) revert BadRecipient();
        amountWei = _credits[token][msg.sender];
        if (amountWei == 0) revert NothingToWithdraw(msg.sender, token);
        _credits[token][msg.sender] = 0;
        emit Withdrawn(msg.sender, token, to, amountWei);
        Address.sendValue(to, amountWei);
    }

    /// @notice What is decided of a request. `outputs` may be relied on from Accepted on.
    function getResult(bytes32 id) external view returns (Result memory) {
        Entry storage entry = _entries[id];
        return Result({
            state: _stateOf(entry),
            pending: entry.pending,
            satisfied: entry.satisfied,
            acceptedAt: entry.acceptedAt,
            claimant: entry.claimant,
            outputs: entry.outputs
        });
    }

    function creditOf(address token, address account) external view returns (uint256 amountWei) {
        return _credits[token][account];
    }

    /// @notice When a pending claim's verifier may be asked again; 0 where nothing is pending.
    function pendingUntil(bytes32 claim, uint8 leaf, bytes32 evidenceHash) external view returns (uint64 finalAt) {
        return _finalAt[keccak256(abi.encode(claim, leaf, evidenceHash))];
    }

    function requestId(Order calldata order) external view returns (bytes32) {
        return _id(order);
    }

    function _accept(
        bytes32 id,
        Entry storage entry,
        bytes32 digest,
        Order calldata order,
        Submission calldata submission
    ) private {
        uint8 satisfied = uint8(1 << submission.leaf);
        entry.state = State.Accepted;
        entry.satisfied = satisfied;
        entry.acceptedAt = uint64(block.timestamp);
        entry.claimant = submission.claimant;
        entry.outputs = submission.outputs;
        _credit(order.terms.token, submission.claimant, order.request.priceWei);
        emit Accepted(
            id, digest, submission.claimant, submission.outputs, satisfied, order.terms.token, order.request.priceWei
        );
    }

    function _credit(address token, address account, uint256 amountWei) private {
        if (amountWei != 0) _credits[token][account] += amountWei;
    }

    /// The pinned verifier's answer, Rejected for anything that is not one. Whoever sends the transaction can not make
    /// it worse by sending too little gas: an answer other than Accepted counts only where the verifier could use all
    /// of its share.
    function _ask(Order calldata order, Claim memory claim, Submission calldata submission)
        private
        view
        returns (Status, uint64)
    {
        address verifier = submission.policy.verifier;
        bytes memory data =
            abi.encodeCall(IClaimVerifier.check, (claim, submission.policy.params, submission.evidence));
        uint256 available = gasleft();
        bool ok;
        uint256 status;
        uint256 finalAt;
        assembly ("memory-safe") {
            ok := staticcall(VERIFIER_GAS, verifier, add(data, 32), mload(data), 0, 64)
            ok := and(ok, eq(returndatasize(), 64))
            status := mload(0)
            finalAt := mload(32)
        }
        if (ok && status == uint256(Status.Accepted)) return (Status.Accepted, 0);
        if (available < FULL_SHARE) revert InsufficientGas(FULL_SHARE);
        bool inTime = finalAt > block.timestamp && finalAt <= uint256(order.request.expiresAt) + MAX_WINDOW;
        if (ok && status == uint256(Status.Pending) && inTime) return (Status.Pending, uint64(finalAt));
        return (Status.Rejected, 0);
    }

    function _checkVerifier(Policy calldata policy) private view {
        if (!_isPinned(policy)) {
            revert VerifierChanged(policy.verifier, policy.codeHash, policy.verifier.codehash);
        }
    }

    function _isPinned(Policy calldata policy) private view returns (bool) {
        return policy.verifier.code.length != 0 && policy.verifier.codehash == policy.codeHash;
    }

    /// Terms, requirement and policy passed in are the ones in the request.
    function _checkSubmission(Order calldata order, Requirement calldata requirement, Submission calldata submission)
        private
        pure
    {
        _checkTerms(order);
        _checkRequirement(order, requirement.leaves, requirement.formula);
        uint8 leaf = submission.leaf;
        if (leaf >= requirement.leaves.length || requirement.leaves[leaf] != TypedData.leaf(submission.policy)) {
            revert PolicyMismatch(leaf);
        }
    }

    function _checkRequirement(Order calldata order, bytes32[] memory leaves, bytes calldata formula) private pure {
        if (leaves.length != 1 || formula.length != 1 || formula[0] != 0x00) {
            revert UnsupportedRequirement(leaves.length, formula);
        }
        bytes32 actual = TypedData.requirement(leaves, formula);
        if (actual != order.request.requirement) revert RequirementMismatch(order.request.requirement, actual);
    }

    function _checkTerms(Order calldata order) private pure {
        SettlementTerms calldata t = order.terms;
        if (t.token != address(0)) revert UnsupportedToken(t.token);
        if (t.callbackTarget != address(0) || t.callbackGas != 0 || t.callbackState != 0) {
            revert UnsupportedCallback(t.callbackTarget);
        }
        if (t.tipWei != 0) revert UnsupportedTip(t.tipWei);
        if (t.validUntil != 0) revert UnsupportedValidity(t.validUntil);
        if (t.graceSeconds > MAX_GRACE) revert BadGrace(t.graceSeconds);
        if ((t.exclusiveClaimant == address(0)) != (t.exclusiveUntil == 0)) {
            revert BadExclusivity(t.exclusiveClaimant, t.exclusiveUntil);
        }
        bytes32 settlement = keccak256(
            abi.encode(
                SETTLEMENT_TERMS_TYPEHASH,
                t.token,
                t.exclusiveClaimant,
                t.exclusiveUntil,
                t.validUntil,
                t.graceSeconds,
                t.callbackTarget,
                t.callbackGas,
                t.callbackState,
                t.tipWei
            )
        );
        bytes32 actual = TypedData.hash(Terms(order.application, settlement));
        if (actual != order.request.terms) revert TermsMismatch(order.request.terms, actual);
    }

    function _open(Order calldata order) private view returns (bytes32 id, Entry storage entry) {
        id = _id(order);
        entry = _entries[id];
        if (entry.state != State.Open) revert WrongState(id, _stateOf(entry));
    }

    function _stateOf(Entry storage entry) private view returns (State) {
        return entry.state == State.Open && entry.pending != 0 ? State.Pending : entry.state;
    }

    function _pendingKey(bytes32 digest, Submission calldata submission)
        private
        pure
        returns (bytes32 key, bytes32 evidenceHash)
    {
        evidenceHash = keccak256(submission.evidence);
        key = keccak256(abi.encode(digest, submission.leaf, evidenceHash));
    }

    function _id(Order calldata order) private view returns (bytes32) {
        return TypedData.id(
            Request({
                program: order.request.program,
                inputs: order.request.inputs,
                requirement: order.request.requirement,
                terms: order.request.terms,
                payer: order.request.payer,
                priceWei: order.request.priceWei,
                nonce: order.request.nonce,
                chainId: block.chainid,
                verifyingContract: address(this),
                expiresAt: order.request.expiresAt
            })
        );
    }

    /// Everything but claimant and outputs comes from the request, chain and address.
    function _claim(bytes32 id, Order calldata order, Submission calldata submission)
        private
        view
        returns (Claim memory)
    {
        return Claim({
            request: id,
            program: order.request.program,
            inputs: order.request.inputs,
            outputs: submission.outputs,
            requirement: order.request.requirement,
            claimant: submission.claimant,
            chainId: block.chainid,
            verifyingContract: address(this),
            expiresAt: order.request.expiresAt
        });
    }
}
