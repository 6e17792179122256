// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Ownable, Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Commitment, Policy} from "@veristack/chain-evm/contracts/Claim.sol";
import {Answer, IInferenceCallback} from "./IInferenceCallback.sol";
import {ISettlement, Order} from "./ISettlement.sol";

/// @title A contract that asks
/// @notice Places requests and takes their answers. It holds itself to limits: a least window for claimants, a highest
/// price per token, and verifiers by address and code hash. Its owner can stop a verifier, which refuses answers that
/// rest on it to this contract's own requests and to nobody else's.
///
/// INVARIANT: {_onAnswer} is called only by the settlement contract, only for a request that this contract placed, not
/// stale, and only where none of the verifiers that satisfied it is stopped; at most once for each request.
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
    /// Leaf by leaf; the first is zero for what this contract did not ask, or has been answered.
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

    /// @notice For good: no new request pins it, and answers that rest on it are refused.
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
        if (_verifiers[id][0] == address(0)) revert UnknownRequest(id);
        if (answer.stale) revert StaleAnswer(id);
        for (uint256 leaf = 0; leaf < 8; ++leaf) {
            if ((answer.satisfied >> leaf) & 1 == 0) continue;
            address verifier = _verifiers[id][leaf];
            if (verifierOf[verifier].stopped) revert StoppedVerifier(verifier);
        }
        delete _verifiers[id][0];
        _onAnswer(id, answer, values);
    }

    /// What an answer does. Keep within the gas of the request's terms; the settlement contract can not be called from
    /// here, views apart.
    function _onAnswer(bytes32 id, Answer calldata answer, Commitment[] calldata values) internal virtual;

    /// Places a request of this contract's, paid from what it has. `order.request.payer` and the callback target must be
    /// this contract.
    function _ask(Order memory order, Policy[] memory policies, bytes memory formula) internal returns (bytes32 id) {
        if (order.request.expiresAt < block.timestamp + minimumWindow) revert WindowTooShort(order.request.expiresAt);
        if (order.terms.callbackTarget != address(this)) revert WrongCallbackTarget(order.terms.callbackTarget);
        address token = order.terms.token;
        uint256 amount = order.request.priceWei + order.terms.tipWei;
        if (amount > maximumPriceOf[token]) revert PriceTooHigh(token, amount, maximumPriceOf[token]);
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
    }

    /// Whether an answer to this request is still expected.
    function _isAwaited(bytes32 id) internal view returns (bool) {
        return _verifiers[id][0] != address(0);
    }

    function _setMaximumPrice(address token, uint256 amount) private {
        maximumPriceOf[token] = amount;
        emit MaximumPriceSet(token, amount);
    }
}
