// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/IERC20Permit.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Address} from "@openzeppelin/contracts/utils/Address.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Claim, Commitment, Policy, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {IClaimVerifier, Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {Formula} from "./Formula.sol";
import {Answer, IInferenceCallback} from "./IInferenceCallback.sol";
import {
    Callback,
    ISettlement,
    Order,
    Permit,
    Quote,
    Requirement,
    Result,
    SettlementTerms,
    State,
    Submission
} from "./ISettlement.sol";
import {Orders} from "./Orders.sol";

/// @title Paid once, and only for what was verified
/// @notice A payer escrows a price for a request that pins how an answer must be verified. Whoever brings signed claims
/// with evidence that the pinned verifiers accept fixes the answer as soon as one claim meets the requirement, and has
/// its claimant credited. Without one, the payer is credited after the deadline.
///
/// INVARIANTS
/// 1. Solvency: for each token, the balance is at least the prices and tips of the requests that are open (pending ones
///    included) plus all credits.
/// 2. Once: a request's price, and its tip, are each credited exactly once. Only {_accept} and {refund} credit; each
///    requires the request to be open and ends that for good.
/// 3. Only for what was verified: {_accept} is reached only where one claim, built by this contract from the stored
///    request and signed by the claimant, satisfies leaves that meet the requirement; and a leaf is satisfied only where
///    the code that the request pins for it, at the pinned address, answered Accepted for exactly that claim.
/// 4. No refund before `expiresAt + graceSeconds`, nor while a claim that was submitted in time waits for a verifier.
/// 5. A claim never depends on who sends the transaction. No claim keeps one out that its verifiers accept at once:
///    pending claims are counted, not exclusive, and the first to meet the requirement wins. The number that may wait
///    is bounded; the claimant whom the payer chose is not held to the bound.
/// 6. A callback can not touch money: it is made after everything is written, with bounded gas, under the guard, and
///    its failure changes nothing but a mark.
///
/// STORAGE is keyed by the request id, the EIP-712 digest of the request for this chain and contract. The request is
/// passed in again by every call and its digest is recomputed, so nothing in it can differ from what was escrowed.
/// Satisfied leaves are a bitmap per claim digest, bit i for leaf i of the requirement; the winning claim's stands with
/// the request, and a claim that wins at once has no other.
///
/// There is no owner, no upgrade, and no way to move escrow other than the two above.
contract Settlement is ISettlement, ReentrancyGuardTransient {
    using SafeERC20 for IERC20;

    /// Two slots. `outputs` identifies the winning claim: the rest of it is the request and `claimant`.
    struct Entry {
        State state; // None, Open, Accepted, Delivered or Refunded
        Callback callback;
        uint8 pending; // claims with evidence that waits
        uint8 satisfied;
        uint32 acceptedAt;
        uint32 validUntil;
        address claimant;
        bytes32 outputs;
    }

    /// Of a claim that has not decided its request.
    struct Progress {
        uint8 satisfied;
        uint8 waiting; // pieces of evidence
    }

    bytes32 public constant SETTLEMENT_TERMS_TYPEHASH = Orders.SETTLEMENT_TERMS_TYPEHASH;
    /// Gas that a verifier may use.
    uint256 public constant VERIFIER_GAS = 3_000_000;
    /// What must be left for the verifier to get that much: EIP-150 hands on 63/64, and the call itself costs a little.
    uint256 private constant FULL_SHARE = VERIFIER_GAS + VERIFIER_GAS / 63 + 10_000;
    /// Claims of a request, and pieces of evidence of a claim, that may wait at one time.
    uint256 public constant MAX_PENDING = 16;
    /// Of evidence that waits, in bytes. Memory costs the square of its length: what fits a transaction once with its
    /// verifier undecided could else not fit one again, with all of the verifier's gas, that drops it.
    uint256 public constant MAX_PENDING_EVIDENCE = 65_536;
    uint256 public constant MAX_CALLBACK_GAS = Orders.MAX_CALLBACK_GAS;
    /// What the call of a callback and the work after it take, with room.
    uint256 private constant AROUND_CALLBACK = 12_000;
    /// Of an output list as calldata, in bytes.
    uint256 public constant MAX_OUTPUTS_LENGTH = 16_384;
    /// Selector, 18 words of an order and up to three of heads.
    uint256 private constant ORDER_LENGTH = 4 + 21 * 32;
    uint256 public constant MAX_LIFETIME = Orders.MAX_LIFETIME;
    uint256 public constant MAX_GRACE = Orders.MAX_GRACE;
    /// A verifier's answer is final by `expiresAt` plus this, or the claim is dropped: escrow is never locked for good.
    uint256 public constant MAX_WINDOW = 90 days;

    mapping(bytes32 id => Entry) private _entries;
    mapping(bytes32 claim => Progress) private _progress;
    /// Pending evidence by keccak256(claim digest, leaf, evidence hash): anyone may carry a claim in, so worse evidence
    /// for the same claim must not stand in the way of better.
    mapping(bytes32 key => uint64 finalAt) private _finalAt;
    mapping(address token => mapping(address account => uint256 amountWei)) private _credits;

    /// @notice Places a request and escrows its price and tip. The sender is the payer.
    /// @param policies One for each leaf of the requirement, in order.
    function request(Order calldata order, Policy[] calldata policies, bytes calldata formula)
        external
        payable
        nonReentrant
        returns (bytes32 id)
    {
        id = _place(order, policies, formula);
        _take(order.terms.token, _escrowOf(order));
    }

    /// @notice As {request}, with the allowance in the same transaction. A permit that was used already, by whoever saw
    /// it first, does no harm: what counts is the allowance.
    function requestWithPermit(
        Order calldata order,
        Policy[] calldata policies,
        bytes calldata formula,
        Permit calldata permit
    ) external nonReentrant returns (bytes32 id) {
        id = _place(order, policies, formula);
        uint256 escrow = _escrowOf(order);
        try IERC20Permit(order.terms.token).permit(
            msg.sender, address(this), escrow, permit.deadline, permit.v, permit.r, permit.s
        ) {} catch {}
        _take(order.terms.token, escrow);
    }

    /// @notice Submits a claim with one leaf's evidence. Anyone may send it; the claimant is credited.
    /// @return Of the leaf: Accepted, or Pending where the verifier has not decided yet; then {finalize} follows.
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

        Claim memory claim = _claim(id, order, submission.claimant, submission.outputs);
        bytes32 digest = TypedData.digest(claim);
        (address signer, ECDSA.RecoverError problem,) = ECDSA.tryRecoverCalldata(digest, submission.signature);
        if (problem != ECDSA.RecoverError.NoError || signer != submission.claimant) {
            revert BadSignature(submission.claimant);
        }
        if (requirement.leaves.length != 1 && _has(_progress[digest].satisfied, submission.leaf)) {
            revert AlreadySatisfied(submission.leaf);
        }

        Orders.checkVerifier(submission.policy);
        (Status status, uint64 finalAt) = _ask(order, claim, submission);
        if (status == Status.Rejected) revert EvidenceRejected(submission.policy.verifier);
        if (status == Status.Accepted) _satisfy(id, entry, digest, order, requirement, submission, order.request.payer);
        else _wait(id, entry, digest, order, submission, finalAt);
        return status;
    }

    /// @notice Asks the verifier of pending evidence again; anyone may. Takes what was submitted; the signature was
    /// checked then and is not looked at. Accepted satisfies the leaf, and where that decides the request the sender is
    /// credited the tip; Pending until another time is recorded; anything else drops the evidence, a verifier whose code
    /// is no longer the pinned one included.
    function finalize(Order calldata order, Requirement calldata requirement, Submission calldata submission)
        external
        nonReentrant
        returns (Status status)
    {
        (bytes32 id, Entry storage entry) = _open(order);
        Claim memory claim = _claim(id, order, submission.claimant, submission.outputs);
        bytes32 digest = TypedData.digest(claim);
        (bytes32 key, bytes32 evidenceHash) = _pendingKey(digest, submission);
        uint64 before = _finalAt[key];
        if (before == 0) revert NotPending(digest);
        _checkSubmission(order, requirement, submission);

        uint64 finalAt = 0;
        if (Orders.isPinned(submission.policy)) (status, finalAt) = _ask(order, claim, submission);
        if (status == Status.Pending) {
            if (finalAt == before) revert NotFinal(finalAt);
            _finalAt[key] = finalAt;
            emit ClaimPending(
                id, digest, submission.claimant, submission.outputs, submission.leaf, evidenceHash, finalAt
            );
            return status;
        }
        _endWait(entry, digest, key);
        if (status == Status.Accepted) _satisfy(id, entry, digest, order, requirement, submission, msg.sender);
        else emit ClaimDropped(id, digest, submission.leaf, evidenceHash);
    }

    /// @notice Adds a leaf to the winning claim, after the decision and without limit of time; no money moves. The
    /// claim is the one that won, so claimant, outputs and signature passed in are not looked at.
    function attach(Order calldata order, Requirement calldata requirement, Submission calldata submission)
        external
        nonReentrant
        returns (uint8 satisfied)
    {
        (bytes32 id, Entry storage entry) = _decided(order);
        _checkSubmission(order, requirement, submission);
        if (_has(entry.satisfied, submission.leaf)) revert AlreadySatisfied(submission.leaf);
        Orders.checkVerifier(submission.policy);
        Claim memory claim = _claim(id, order, entry.claimant, entry.outputs);
        (Status status, uint64 finalAt) = _ask(order, claim, submission);
        if (status == Status.Pending) revert NotFinal(finalAt);
        if (status == Status.Rejected) revert EvidenceRejected(submission.policy.verifier);
        satisfied = entry.satisfied | _bit(submission.leaf);
        entry.satisfied = satisfied;
        emit Attached(id, TypedData.digest(claim), submission.leaf, satisfied);
    }

    /// @notice Publishes the accepted answer. Anyone who has it may.
    /// @param outputs The claim's output commitment list; raw entries are the values themselves.
    function deliver(Order calldata order, Commitment[] calldata outputs) external nonReentrant {
        bytes32 id = Orders.id(order);
        Entry storage entry = _entries[id];
        if (entry.state != State.Accepted) revert WrongState(id, _stateOf(entry));
        Orders.checkTerms(order);
        _checkOutputs(entry, outputs);
        entry.state = State.Delivered;
        emit Delivered(id, outputs);
        if (order.terms.callbackState == uint8(State.Delivered)) {
            bytes memory data =
                abi.encodeCall(IInferenceCallback.onInferenceResult, (id, _answer(entry), outputs));
            _callBack(id, entry, order.terms.callbackTarget, order.terms.callbackGas, data);
        }
    }

    /// @notice Makes a callback again that failed. Anyone may, as often as they like.
    /// @param outputs As for {deliver} where the callback is at Delivered, otherwise empty.
    /// @param callbackGas May be more than the terms say, never less.
    function retryCallback(Order calldata order, Commitment[] calldata outputs, uint256 callbackGas)
        external
        nonReentrant
        returns (bool succeeded)
    {
        (bytes32 id, Entry storage entry) = _decided(order);
        Orders.checkTerms(order);
        if (entry.callback != Callback.Failed) revert NothingToRetry(id);
        if (order.terms.callbackState == uint8(State.Delivered)) _checkOutputs(entry, outputs);
        else if (outputs.length != 0) revert OutputsMismatch(0, TypedData.commitments(outputs));
        bytes memory data = abi.encodeCall(IInferenceCallback.onInferenceResult, (id, _answer(entry), outputs));
        uint256 least = order.terms.callbackGas;
        return _callBack(id, entry, order.terms.callbackTarget, callbackGas < least ? least : callbackGas, data);
    }

    /// @notice Credits price and tip back to the payer, after deadline and grace, with nothing pending. Anyone may call
    /// it.
    function refund(Order calldata order) external nonReentrant {
        (bytes32 id, Entry storage entry) = _open(order);
        Orders.checkTerms(order);
        if (entry.pending != 0) revert WrongState(id, State.Pending);
        uint256 from = uint256(order.request.expiresAt) + order.terms.graceSeconds + 1;
        if (block.timestamp < from) revert RefundTooEarly(from);
        entry.state = State.Refunded;
        uint256 escrow = _escrowOf(order);
        _credit(order.terms.token, order.request.payer, escrow);
        emit Refunded(id, order.request.payer, order.terms.token, escrow);
    }

    /// @notice Pays out all that the sender was credited.
    /// @param token Zero: the chain's coin.
    function withdraw(address token, address payable to) external nonReentrant returns (uint256 amountWei) {
        if (to == address(0) || to == address(this)) revert BadRecipient();
        amountWei = _credits[token][msg.sender];
        if (amountWei == 0) revert NothingToWithdraw(msg.sender, token);
        _credits[token][msg.sender] = 0;
        emit Withdrawn(msg.sender, token, to, amountWei);
        if (token == address(0)) Address.sendValue(to, amountWei);
        else IERC20(token).safeTransfer(to, amountWei);
    }

    /// @notice What is decided of a request. `outputs` may be relied on from Accepted on, and while not `stale`.
    function getResult(bytes32 id) external view returns (Result memory) {
        Entry storage entry = _entries[id];
        return Result({
            state: _stateOf(entry),
            pending: entry.state == State.Open ? entry.pending : 0,
            satisfied: entry.satisfied,
            acceptedAt: entry.acceptedAt,
            claimant: entry.claimant,
            outputs: entry.outputs,
            validUntil: entry.validUntil,
            stale: _isStale(entry),
            callback: entry.callback
        });
    }

    /// @notice What an order takes from its payer, and what its callback takes from whoever makes it.
    function quote(Order calldata order, uint256 gasPriceWei) external view returns (Quote memory q) {
        Orders.checkTerms(order);
        q.escrow = _escrowOf(order);
        if (order.terms.token == address(0)) q.valueWei = q.escrow;
        if (order.terms.callbackTarget != address(0)) q.callbackGas = _fullShare(order.terms.callbackGas);
        q.callbackWei = q.callbackGas * gasPriceWei;
    }

    /// @notice Of a claim that has not decided its request: satisfied leaves, and pieces of evidence that wait.
    function progressOf(bytes32 claim) external view returns (uint8 satisfied, uint8 waiting) {
        return (_progress[claim].satisfied, _progress[claim].waiting);
    }

    function creditOf(address token, address account) external view returns (uint256 amountWei) {
        return _credits[token][account];
    }

    /// @notice When a pending claim's verifier may be asked again; 0 where nothing is pending. Of no meaning once the
    /// request is decided.
    function pendingUntil(bytes32 claim, uint8 leaf, bytes32 evidenceHash) external view returns (uint64 finalAt) {
        return _finalAt[keccak256(abi.encode(claim, leaf, evidenceHash))];
    }

    function requestId(Order calldata order) external view returns (bytes32) {
        return Orders.id(order);
    }

    function _place(Order calldata order, Policy[] calldata policies, bytes calldata formula)
        private
        returns (bytes32 id)
    {
        Orders.check(order, policies, formula);
        id = Orders.id(order);
        Entry storage entry = _entries[id];
        if (entry.state != State.None) revert AlreadyRequested(id);
        entry.state = State.Open;
        entry.validUntil = uint32(order.terms.validUntil);
        emit Requested(id, msg.sender, order.request.program, order, policies, formula);
    }

    /// Takes exactly `amount` from the sender, or nothing.
    function _take(address token, uint256 amount) private {
        uint256 valueWei = token == address(0) ? amount : 0;
        if (msg.value != valueWei) revert WrongValue(valueWei, msg.value);
        if (token == address(0)) return;
        uint256 before = IERC20(token).balanceOf(address(this));
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
        uint256 after_ = IERC20(token).balanceOf(address(this));
        uint256 received = after_ > before ? after_ - before : 0;
        if (received != amount) revert WrongTokenAmount(token, amount, received);
    }

    function _wait(
        bytes32 id,
        Entry storage entry,
        bytes32 digest,
        Order calldata order,
        Submission calldata submission,
        uint64 finalAt
    ) private {
        uint256 length = submission.evidence.length;
        if (length > MAX_PENDING_EVIDENCE) revert EvidenceTooLong(length);
        (bytes32 key, bytes32 evidenceHash) = _pendingKey(digest, submission);
        if (_finalAt[key] != 0) revert AlreadyPending(digest);
        Progress storage progress = _progress[digest];
        if (progress.waiting == MAX_PENDING) revert TooManyPending(id);
        if (progress.waiting == 0) {
            if (entry.pending >= MAX_PENDING && submission.claimant != order.terms.exclusiveClaimant) {
                revert TooManyPending(id);
            }
            ++entry.pending;
        }
        ++progress.waiting;
        _finalAt[key] = finalAt;
        emit ClaimPending(id, digest, submission.claimant, submission.outputs, submission.leaf, evidenceHash, finalAt);
    }

    function _endWait(Entry storage entry, bytes32 digest, bytes32 key) private {
        delete _finalAt[key];
        if (--_progress[digest].waiting == 0) --entry.pending;
    }

    /// One leaf more for a claim; decides the request where that meets the requirement.
    function _satisfy(
        bytes32 id,
        Entry storage entry,
        bytes32 digest,
        Order calldata order,
        Requirement calldata requirement,
        Submission calldata submission,
        address tipped
    ) private {
        uint8 satisfied = _bit(submission.leaf);
        if (requirement.leaves.length != 1) {
            Progress storage progress = _progress[digest];
            satisfied |= progress.satisfied;
            if (!Formula.met(requirement.formula, satisfied)) {
                progress.satisfied = satisfied;
                (bytes32 key, bytes32 evidenceHash) = _pendingKey(digest, submission);
                // Submitted again, and accepted now.
                if (_finalAt[key] != 0) _endWait(entry, digest, key);
                emit LeafSatisfied(
                    id, digest, submission.claimant, submission.outputs, submission.leaf, evidenceHash, satisfied
                );
                return;
            }
        }
        _accept(id, entry, digest, order, submission, satisfied, tipped);
    }

    function _accept(
        bytes32 id,
        Entry storage entry,
        bytes32 digest,
        Order calldata order,
        Submission calldata submission,
        uint8 satisfied,
        address tipped
    ) private {
        SettlementTerms calldata terms = order.terms;
        entry.state = State.Accepted;
        entry.satisfied = satisfied;
        entry.acceptedAt = uint32(block.timestamp);
        entry.claimant = submission.claimant;
        entry.outputs = submission.outputs;
        _credit(terms.token, submission.claimant, order.request.priceWei);
        emit Accepted(
            id, digest, submission.claimant, submission.outputs, satisfied, terms.token, order.request.priceWei
        );
        if (terms.tipWei != 0) {
            _credit(terms.token, tipped, terms.tipWei);
            emit TipCredited(id, tipped, terms.token, terms.tipWei);
        }
        if (terms.callbackState == uint8(State.Accepted)) {
            bytes memory data = abi.encodeCall(
                IInferenceCallback.onInferenceResult, (id, _answer(entry), new Commitment[](0))
            );
            _callBack(id, entry, terms.callbackTarget, terms.callbackGas, data);
        }
    }

    /// Whoever sends the transaction can not make it fail by sending too little gas, and what it returns is not copied.
    function _callBack(bytes32 id, Entry storage entry, address target, uint256 callbackGas, bytes memory data)
        private
        returns (bool succeeded)
    {
        // Looking at the code makes the address warm, so that the call itself costs little.
        succeeded = target.code.length != 0;
        uint256 required = _fullShare(callbackGas);
        if (gasleft() < required) revert InsufficientGas(required);
        if (succeeded) {
            assembly ("memory-safe") {
                succeeded := call(callbackGas, target, 0, add(data, 32), mload(data), 0, 0)
            }
        }
        entry.callback = succeeded ? Callback.Succeeded : Callback.Failed;
        emit CalledBack(id, target, succeeded);
    }

    /// EIP-150 hands on at most 63/64 of what is left.
    function _fullShare(uint256 callbackGas) private pure returns (uint256) {
        return callbackGas + callbackGas / 63 + 1 + AROUND_CALLBACK;
    }

    function _answer(Entry storage entry) private view returns (Answer memory) {
        return Answer(entry.claimant, entry.outputs, entry.satisfied, _isStale(entry));
    }

    function _isStale(Entry storage entry) private view returns (bool) {
        return entry.validUntil != 0 && block.timestamp > entry.validUntil;
    }

    function _escrowOf(Order calldata order) private pure returns (uint256) {
        return order.request.priceWei + order.terms.tipWei;
    }

    function _bit(uint8 leaf) private pure returns (uint8) {
        return uint8(1 << leaf);
    }

    function _has(uint8 satisfied, uint8 leaf) private pure returns (bool) {
        return satisfied & _bit(leaf) != 0;
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

    /// Terms, requirement and policy passed in are the ones in the request.
    function _checkSubmission(Order calldata order, Requirement calldata requirement, Submission calldata submission)
        private
        view
    {
        Orders.checkTerms(order);
        Orders.checkRequirement(order, requirement.leaves, requirement.formula);
        uint8 leaf = submission.leaf;
        if (leaf >= requirement.leaves.length || requirement.leaves[leaf] != TypedData.leaf(submission.policy)) {
            revert PolicyMismatch(leaf);
        }
    }

    function _open(Order calldata order) private view returns (bytes32 id, Entry storage entry) {
        id = Orders.id(order);
        entry = _entries[id];
        if (entry.state != State.Open) revert WrongState(id, _stateOf(entry));
    }

    function _decided(Order calldata order) private view returns (bytes32 id, Entry storage entry) {
        id = Orders.id(order);
        entry = _entries[id];
        if (entry.state != State.Accepted && entry.state != State.Delivered) revert WrongState(id, _stateOf(entry));
    }

    function _checkOutputs(Entry storage entry, Commitment[] calldata outputs) private view {
        if (msg.data.length > MAX_OUTPUTS_LENGTH + ORDER_LENGTH) revert OutputsTooLong(msg.data.length - ORDER_LENGTH);
        bytes32 digest = TypedData.commitments(outputs);
        if (digest != entry.outputs) revert OutputsMismatch(entry.outputs, digest);
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

    /// Everything but claimant and outputs comes from the request, chain and address.
    function _claim(bytes32 id, Order calldata order, address claimant, bytes32 outputs)
        private
        view
        returns (Claim memory)
    {
        return Claim({
            request: id,
            program: order.request.program,
            inputs: order.request.inputs,
            outputs: outputs,
            requirement: order.request.requirement,
            claimant: claimant,
            chainId: block.chainid,
            verifyingContract: address(this),
            expiresAt: order.request.expiresAt
        });
    }
}
