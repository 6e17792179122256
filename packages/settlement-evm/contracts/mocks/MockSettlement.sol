// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Commitment, Policy, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {Formula} from "../Formula.sol";
import {Answer, IInferenceCallback} from "../IInferenceCallback.sol";
import {Callback, ISettlement, Order, Permit, Quote, Requirement, Result, State, Submission} from "../ISettlement.sol";
import {Orders} from "../Orders.sol";

/// @title The settlement contract's double, for tests of contracts that ask
/// @notice Takes requests in the chain's coin, refuses those that the real one refuses, and gives them the ids that it
/// gives at its address; the test says what the answer is with {answer}. Nothing is verified: never deploy it where money
/// is.
contract MockSettlement is ISettlement, ReentrancyGuardTransient {
    error NotMocked();
    /// These leaves do not meet the request's requirement, or are not all leaves of it.
    error RequirementNotMet(uint8 satisfied);

    mapping(bytes32 id => Result) private _results;
    mapping(bytes32 id => Order) private _orders;
    mapping(bytes32 id => bytes formula) private _formulas;
    mapping(bytes32 id => uint256 leaves) private _leaves;
    mapping(address account => uint256) private _credits;
    /// The last request placed.
    bytes32 public lastId;

    // ---- what a test does ----

    /// @notice Decides an open request as if `claimant` had proved this answer and delivered it, and makes the callback
    /// that the request's terms name with the gas that they give. The leaves of `satisfied` count as satisfied: bit i for
    /// leaf i, and they must meet the requirement.
    function answer(bytes32 id, address claimant, uint8 satisfied, Commitment[] calldata values)
        external
        nonReentrant
        returns (bool called)
    {
        Result storage r = _results[id];
        Order memory o = _orders[id];
        if (r.state != State.Open) revert WrongState(id, r.state);
        if (satisfied >> _leaves[id] != 0 || !Formula.met(_formulas[id], satisfied)) revert RequirementNotMet(satisfied);
        r.state = State.Delivered;
        (r.claimant, r.satisfied, r.acceptedAt) = (claimant, satisfied, uint64(block.timestamp));
        r.outputs = TypedData.commitments(values);
        _credits[claimant] += o.request.priceWei;
        _credits[o.request.payer] += o.terms.tipWei;
        emit Accepted(id, 0, claimant, r.outputs, satisfied, address(0), o.request.priceWei);
        emit Delivered(id, values);
        if (o.terms.callbackTarget == address(0)) return false;
        called = _call(id, o, values, o.terms.callbackGas);
    }

    /// @notice Refunds an open request at once, whatever its deadline.
    function refundNow(bytes32 id) external nonReentrant {
        _requireOpen(id);
        _refund(id);
    }

    // ---- what a consumer calls ----

    function request(Order calldata order, Policy[] calldata policies, bytes calldata formula)
        external
        payable
        nonReentrant
        returns (bytes32 id)
    {
        Orders.check(order, policies, formula);
        if (order.terms.token != address(0)) revert NotMocked();
        id = Orders.id(order);
        if (_results[id].state != State.None) revert AlreadyRequested(id);
        uint256 escrow = order.request.priceWei + order.terms.tipWei;
        if (msg.value != escrow) revert WrongValue(escrow, msg.value);
        _results[id].state = State.Open;
        _results[id].validUntil = order.terms.validUntil;
        _orders[id] = order;
        _formulas[id] = formula;
        _leaves[id] = policies.length;
        lastId = id;
        emit Requested(id, msg.sender, order.request.program, order, policies, formula);
    }

    function refund(Order calldata order) external nonReentrant {
        bytes32 id = Orders.id(order);
        _requireOpen(id);
        Orders.checkTerms(order);
        uint256 from = uint256(order.request.expiresAt) + order.terms.graceSeconds + 1;
        if (block.timestamp < from) revert RefundTooEarly(from);
        _refund(id);
    }

    function retryCallback(Order calldata order, Commitment[] calldata outputs, uint256 callbackGas)
        external
        nonReentrant
        returns (bool)
    {
        bytes32 id = Orders.id(order);
        if (_results[id].callback != Callback.Failed) revert NothingToRetry(id);
        bytes32 expected = order.terms.callbackState == uint8(State.Delivered) ? _results[id].outputs : bytes32(0);
        bytes32 actual = expected == 0 && outputs.length == 0 ? bytes32(0) : TypedData.commitments(outputs);
        if (actual != expected) revert OutputsMismatch(expected, actual);
        uint256 least = order.terms.callbackGas;
        return _call(id, order, outputs, callbackGas < least ? least : callbackGas);
    }

    function withdraw(address token, address payable to) external nonReentrant returns (uint256 amountWei) {
        if (token != address(0)) revert NotMocked();
        amountWei = _credits[msg.sender];
        if (amountWei == 0) revert NothingToWithdraw(msg.sender, token);
        _credits[msg.sender] = 0;
        emit Withdrawn(msg.sender, token, to, amountWei);
        (bool ok,) = to.call{value: amountWei}("");
        if (!ok) revert BadRecipient();
    }

    function getResult(bytes32 id) external view returns (Result memory r) {
        r = _results[id];
        r.stale = _isStale(r.validUntil);
    }

    function creditOf(address token, address account) external view returns (uint256) {
        return token == address(0) ? _credits[account] : 0;
    }

    function quote(Order calldata order, uint256 gasPriceWei) external pure returns (Quote memory q) {
        q.escrow = order.request.priceWei + order.terms.tipWei;
        q.valueWei = q.escrow;
        q.callbackGas = order.terms.callbackGas;
        q.callbackWei = q.callbackGas * gasPriceWei;
    }

    function requestId(Order calldata order) external view returns (bytes32) {
        return Orders.id(order);
    }

    // ---- what only claimants call ----

    function requestWithPermit(Order calldata, Policy[] calldata, bytes calldata, Permit calldata)
        external
        pure
        returns (bytes32)
    {
        revert NotMocked();
    }

    function submit(Order calldata, Requirement calldata, Submission calldata) external pure returns (Status) {
        revert NotMocked();
    }

    function finalize(Order calldata, Requirement calldata, Submission calldata) external pure returns (Status) {
        revert NotMocked();
    }

    function attach(Order calldata, Requirement calldata, Submission calldata) external pure returns (uint8) {
        revert NotMocked();
    }

    function deliver(Order calldata, Commitment[] calldata) external pure {
        revert NotMocked();
    }

    function pendingUntil(bytes32, uint8, bytes32) external pure returns (uint64) {
        return 0;
    }

    function progressOf(bytes32) external pure returns (uint8, uint8) {
        return (0, 0);
    }

    function _requireOpen(bytes32 id) private view {
        State state = _results[id].state;
        if (state != State.Open) revert WrongState(id, state);
    }

    function _refund(bytes32 id) private {
        Order memory o = _orders[id];
        _results[id].state = State.Refunded;
        uint256 escrow = o.request.priceWei + o.terms.tipWei;
        _credits[o.request.payer] += escrow;
        emit Refunded(id, o.request.payer, address(0), escrow);
    }

    function _call(bytes32 id, Order memory o, Commitment[] calldata values, uint256 callbackGas)
        private
        returns (bool called)
    {
        Result storage r = _results[id];
        Answer memory a = Answer(r.claimant, r.outputs, r.satisfied, _isStale(r.validUntil));
        Commitment[] memory passed;
        if (o.terms.callbackState == uint8(State.Delivered)) passed = values;
        (called,) = o.terms.callbackTarget.call{gas: callbackGas}(
            abi.encodeCall(IInferenceCallback.onInferenceResult, (id, a, passed))
        );
        r.callback = called ? Callback.Succeeded : Callback.Failed;
        emit CalledBack(id, o.terms.callbackTarget, called);
    }

    function _isStale(uint64 validUntil) private view returns (bool) {
        return validUntil != 0 && block.timestamp > validUntil;
    }
}
