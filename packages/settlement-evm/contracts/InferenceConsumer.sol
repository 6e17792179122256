// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Commitment, Policy} from "@veristack/chain-evm/contracts/Claim.sol";
import {Answer, IInferenceCallback} from "./IInferenceCallback.sol";
import {Formula} from "./Formula.sol";
import {ISettlement, Order, State} from "./ISettlement.sol";

/// @title A contract that asks
/// @notice Places requests and takes their answers. It holds itself to limits: a least window for claimants, a highest
/// price per token, and verifiers by address and code hash. Its owner can stop a verifier, which refuses answers that
/// rest on it to this contract's own requests and to nobody else's.
///
/// INVARIANT: {_onAnswer} is called only by the settlement contract, only for a request that this contract placed, not
/// stale, and only where verifiers that are not stopped meet the requirement by themselves; at most once for each request.
/// The owner can not touch a request, an escrow or an answer other than by refusing it.
abstract contract InferenceConsumer is IInferenceCallback, Ownable2Step {
    using SafeERC20 for IERC20;

    struct Verifier {
        bytes32 codeHash;
        bool stopped;
        /// keccak256 of the parameters that it may be asked with: who asks must not choose whom it believes.
        bytes32 paramsHash;
    }

    ISettlement public immutable settlement;
    /// Seconds that a request must leave to claimants.
    uint64 public immutable minimumWindow;
    /// Price and tip together; tokens that were never set are refused.
    mapping(address token => uint256 amount) public maximumPriceOf;
    mapping(address verifier => Verifier) public verifierOf;
    /// Empty for what this contract did not ask, or has been answered.
    mapping(bytes32 id => bytes formula) private _formulas;
    mapping(bytes32 id => mapping(uint256 leaf => address verifier)) private _verifiers;

    event MaximumPriceSet(address indexed token, uint256 amount);
    event VerifierAllowed(address indexed verifier, bytes32 codeHash, bytes params);
    event VerifierStopped(address indexed verifier);

    error NotSettlement(address sender);
    error WindowTooShort(uint64 expiresAt);
    error PriceTooHigh(address token, uint256 amount, uint256 maximum);
    error VerifierNotAllowed(address verifier, bytes32 codeHash);
    error ParamsNotAllowed(address verifier, bytes params);
    error StoppedVerifier(address verifier);
    error StaleAnswer(bytes32 id);
    /// Not asked by this contract, or answered.
    error UnknownRequest(bytes32 id);
    /// The terms name another callback target than this contract.
    error WrongCallbackTarget(address target);

    modifier onlySettlement() {
        if (msg.sender != address(settlement)) revert NotSettlement(msg.sender);
        _;
    }

    constructor(ISettlement settlement_, uint64 minimumWindow_, uint256 maximumPriceWei, address owner_)
        Ownable(owner_)
    {
        settlement = settlement_;
        minimumWindow = minimumWindow_;
        _setMaximumPrice(address(0), maximumPriceWei);
    }

    /// @notice Lets requests pin this verifier, at its present code and with these parameters alone. A stopped one stays
    /// stopped; allowed again, the new parameters replace the old ones.
    function allowVerifier(address verifier, bytes32 codeHash, bytes calldata params) external onlyOwner {
        if (codeHash == 0 || verifier.codehash != codeHash) revert VerifierNotAllowed(verifier, codeHash);
        verifierOf[verifier].codeHash = codeHash;
        verifierOf[verifier].paramsHash = keccak256(params);
        emit VerifierAllowed(verifier, codeHash, params);
    }

    /// @notice For good: no new request pins it, and answers that need it are refused. What the others of a request's
    /// verifiers accepted stands, if that alone meets its requirement.
    function stopVerifier(address verifier) external onlyOwner {
        verifierOf[verifier].stopped = true;
        emit VerifierStopped(verifier);
    }

    function setMaximumPrice(address token, uint256 amount) external onlyOwner {
        _setMaximumPrice(token, amount);
    }

    /// @inheritdoc IInferenceCallback
    function onInferenceResult(bytes32 id, Answer calldata answer, Commitment[] calldata values)
        external
        override
        onlySettlement
    {
        bytes memory formula = _formulas[id];
        if (formula.length == 0) revert UnknownRequest(id);
        if (answer.stale) revert StaleAnswer(id);
        Answer memory standing = answer;
        address stopped = address(0);
        for (uint8 leaf = 0; leaf < Formula.MAX_LEAVES; ++leaf) {
            uint8 bit = uint8(1 << leaf);
            if (answer.satisfied & bit == 0) continue;
            address verifier = _verifiers[id][leaf];
            if (!verifierOf[verifier].stopped) continue;
            stopped = verifier;
            standing.satisfied ^= bit;
        }
        // Leaves can be attached after the decision, by whoever can forge for a stopped verifier too: one that is not
        // needed does no harm.
        if (stopped != address(0) && !Formula.met(formula, standing.satisfied)) revert StoppedVerifier(stopped);
        delete _formulas[id];
        _onAnswer(id, standing, values);
    }

    /// What an answer does. Keep within the gas of the request's terms; the settlement contract can not be called from
    /// here, views apart.
    /// @param answer Without the leaves of stopped verifiers: those in `satisfied` meet the requirement.
    function _onAnswer(bytes32 id, Answer memory answer, Commitment[] calldata values) internal virtual;

    /// Places a request of this contract's, paid from what it has. `order.request.payer` and the callback target must be
    /// this contract. Where strangers bring orders, bind `order.request.nonce` to who brings one: the id of an order that
    /// somebody else placed first is taken.
    function _ask(Order memory order, Policy[] memory policies, bytes memory formula) internal returns (bytes32 id) {
        if (order.request.expiresAt < block.timestamp + minimumWindow) revert WindowTooShort(order.request.expiresAt);
        if (order.terms.callbackTarget != address(this)) revert WrongCallbackTarget(order.terms.callbackTarget);
        address token = order.terms.token;
        uint256 amount = order.request.priceWei + order.terms.tipWei;
        uint256 maximum = maximumPriceOf[token];
        // A token that was never set is not called, whatever the price.
        if (amount > maximum || (maximum == 0 && token != address(0))) revert PriceTooHigh(token, amount, maximum);
        for (uint256 leaf = 0; leaf < policies.length; ++leaf) {
            Verifier storage allowed = verifierOf[policies[leaf].verifier];
            if (allowed.stopped) revert StoppedVerifier(policies[leaf].verifier);
            if (allowed.codeHash == 0 || allowed.codeHash != policies[leaf].codeHash) {
                revert VerifierNotAllowed(policies[leaf].verifier, policies[leaf].codeHash);
            }
            if (allowed.paramsHash != keccak256(policies[leaf].params)) {
                revert ParamsNotAllowed(policies[leaf].verifier, policies[leaf].params);
            }
        }
        if (token != address(0)) IERC20(token).forceApprove(address(settlement), amount);
        id = settlement.request{value: token == address(0) ? amount : 0}(order, policies, formula);
        for (uint256 leaf = 0; leaf < policies.length; ++leaf) {
            _verifiers[id][leaf] = policies[leaf].verifier;
        }
        _formulas[id] = formula;
    }

    /// Whether this request was neither answered nor refunded. Also true for ever where an answer went stale.
    function _isAwaited(bytes32 id) internal view returns (bool) {
        return _formulas[id].length != 0 && settlement.getResult(id).state != State.Refunded;
    }

    /// Takes out all that the settlement contract credited this one as payer: refunds, and tips that nobody earned. Of
    /// which requests it does not say. Not from within {_onAnswer}; for coin to this contract itself, have it `receive`.
    /// @param token Zero: the chain's coin.
    /// @return amount 0 where nothing was there.
    function _reclaim(address token, address to) internal returns (uint256 amount) {
        if (settlement.creditOf(token, address(this)) == 0) return 0;
        return settlement.withdraw(token, payable(to));
    }

    function _setMaximumPrice(address token, uint256 amount) private {
        maximumPriceOf[token] = amount;
        emit MaximumPriceSet(token, amount);
    }
}
