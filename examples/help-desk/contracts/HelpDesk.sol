// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {Commitment, Policy} from "@veristack/chain-evm/contracts/Claim.sol";
import {Answer} from "@veristack/settlement-evm/contracts/IInferenceCallback.sol";
import {InferenceConsumer} from "@veristack/settlement-evm/contracts/InferenceConsumer.sol";
import {Callback, ISettlement, Order, Result, State} from "@veristack/settlement-evm/contracts/ISettlement.sol";

/// @title A shop's help desk that routes refunds by a model's answer
/// @notice Customers pay here. Who wants his money back says so in words; the words' features go to the customer-service
/// model, and the label that comes back decides: what the model calls a request for a refund is refunded, anything else
/// goes to a person, who decides by {resolve}.
///
/// INVARIANT: a purchase is refunded at most once, to its buyer, and only for a verified answer with the refund label or
/// by {resolve} after an answer that was another one, or that could not be taken.
contract HelpDesk is InferenceConsumer {
    enum Stage {
        None,
        Paid,
        Asked,
        WithPerson,
        Refunded,
        Closed
    }

    struct Purchase {
        address buyer;
        uint96 amountWei;
        Stage stage;
    }

    /// Of a question, in bytes of UTF-8.
    uint256 public constant MAX_WORDS = 1024;
    /// The one program whose answers count, and where in its output list the label is.
    bytes32 public immutable program;
    string public labelTensor;
    uint256 public immutable refundLabel;

    mapping(uint256 purchase => Purchase) public purchases;
    mapping(bytes32 request => uint256 purchase) public purchaseOf;
    mapping(address buyer => uint256 amountWei) public refundable;
    uint256 public count;

    event Paid(uint256 indexed purchase, address indexed buyer, uint256 amountWei);
    /// The words are what the answer is about: whoever answers finds them here, and nowhere else.
    event Asked(uint256 indexed purchase, bytes32 indexed request, string words);
    event RefundGranted(uint256 indexed purchase, address indexed buyer, uint256 amountWei);
    event PassedToPerson(uint256 indexed purchase, uint256 label);
    event TakenOver(uint256 indexed purchase, bytes32 indexed request);
    event Resolved(uint256 indexed purchase, bool refunded);

    error NotYours(uint256 purchase);
    error WrongStage(uint256 purchase, Stage stage);
    error WrongProgram(bytes32 program);
    /// No words, or more bytes than {MAX_WORDS}.
    error BadWords(uint256 length);
    /// The answer has no such output of one word.
    error NoLabel(bytes32 request);
    /// Who asks pays for the question, and nobody else's money does. In coin and without a tip: what is left of one would
    /// be this contract's, and not his.
    error WrongFee(uint256 expectedWei, uint256 sentWei);
    /// The first 20 bytes of a question's nonce are who asks it: nobody else can place it first.
    error NotYourNonce(bytes32 nonce);
    /// Its callback did not fail, and it has not been left unposted for long.
    error NotFailed(bytes32 request);
    error NothingToCollect();
    error PaymentFailed();

    constructor(
        ISettlement settlement_,
        bytes32 program_,
        string memory labelTensor_,
        uint256 refundLabel_,
        uint256 maximumPriceWei,
        address owner_
    ) InferenceConsumer(settlement_, 10 minutes, maximumPriceWei, owner_) {
        program = program_;
        labelTensor = labelTensor_;
        refundLabel = refundLabel_;
    }

    /// @notice Buys something.
    function pay() external payable returns (uint256 purchase) {
        purchase = ++count;
        purchases[purchase] = Purchase(msg.sender, SafeCast.toUint96(msg.value), Stage.Paid);
        emit Paid(purchase, msg.sender, msg.value);
    }

    /// @notice Asks for money back, in words that everybody can read. The order is the request that they make, with this
    /// contract as payer and callback target; its inputs are the commitment of their features. Words and features are not
    /// compared here: a question whose words have other features finds nobody but its asker who can answer it.
    function askForRefund(
        uint256 purchase,
        string calldata words,
        Order calldata order,
        Policy[] calldata policies,
        bytes calldata formula
    ) external payable returns (bytes32 request) {
        if (bytes(words).length == 0 || bytes(words).length > MAX_WORDS) revert BadWords(bytes(words).length);
        Purchase storage p = purchases[purchase];
        if (p.buyer != msg.sender) revert NotYours(purchase);
        if (p.stage != Stage.Paid) revert WrongStage(purchase, p.stage);
        if (address(bytes20(order.request.nonce)) != msg.sender) revert NotYourNonce(order.request.nonce);
        if (order.request.program != program) revert WrongProgram(order.request.program);
        if (msg.value != order.request.priceWei || order.terms.tipWei != 0 || order.terms.token != address(0)) {
            revert WrongFee(order.request.priceWei, msg.value);
        }
        p.stage = Stage.Asked;
        request = _ask(order, policies, formula);
        purchaseOf[request] = purchase;
        emit Asked(purchase, request, words);
    }

    /// @notice Takes a question back that nobody answered; what was paid for it is the buyer's again.
    function giveUp(Order calldata order) external {
        bytes32 request = settlement.requestId(order);
        uint256 purchase = purchaseOf[request];
        Purchase storage p = purchases[purchase];
        if (p.stage != Stage.Asked) revert WrongStage(purchase, p.stage);
        delete purchaseOf[request];
        p.stage = Stage.Paid;
        refundable[p.buyer] += order.request.priceWei;
        // Anyone may have refunded it before.
        if (settlement.getResult(request).state != State.Refunded) settlement.refund(order);
        _reclaim(address(0), address(this));
    }

    /// @notice Passes on to a person what was answered and could not be taken: the verifier was stopped, the answer was
    /// stale, or had no label; or it was paid for, and whoever gave it keeps it to himself.
    function takeOver(bytes32 request) external onlyOwner {
        uint256 purchase = purchaseOf[request];
        Purchase storage p = purchases[purchase];
        if (p.stage != Stage.Asked) revert WrongStage(purchase, p.stage);
        Result memory r = settlement.getResult(request);
        bool isKept = r.state == State.Accepted && block.timestamp > r.acceptedAt + minimumWindow;
        if (r.callback != Callback.Failed && !isKept) revert NotFailed(request);
        delete purchaseOf[request];
        p.stage = Stage.WithPerson;
        emit TakenOver(purchase, request);
    }

    /// @notice What a person decides of a purchase that the model passed on.
    function resolve(uint256 purchase, bool refunded) external onlyOwner {
        Purchase storage p = purchases[purchase];
        if (p.stage != Stage.WithPerson) revert WrongStage(purchase, p.stage);
        if (refunded) _grant(purchase, p);
        else p.stage = Stage.Closed;
        emit Resolved(purchase, refunded);
    }

    /// @notice Pays out what the sender was granted.
    function collect() external {
        uint256 amountWei = refundable[msg.sender];
        if (amountWei == 0) revert NothingToCollect();
        refundable[msg.sender] = 0;
        (bool ok,) = msg.sender.call{value: amountWei}("");
        if (!ok) revert PaymentFailed();
    }

    /// What the settlement contract gives back.
    receive() external payable {}

    function _onAnswer(bytes32 request, Answer memory, Commitment[] calldata values) internal override {
        uint256 purchase = purchaseOf[request];
        Purchase storage p = purchases[purchase];
        if (p.stage != Stage.Asked) revert WrongStage(purchase, p.stage);
        uint256 label = _label(request, values);
        if (label == refundLabel) {
            _grant(purchase, p);
        } else {
            p.stage = Stage.WithPerson;
            emit PassedToPerson(purchase, label);
        }
    }

    function _label(bytes32 request, Commitment[] calldata values) private view returns (uint256) {
        bytes32 tensor = keccak256(bytes(labelTensor));
        for (uint256 i = 0; i < values.length; ++i) {
            bool raw = keccak256(bytes(values[i].scheme)) == keccak256("raw/v1");
            if (raw && keccak256(bytes(values[i].tensor)) == tensor && values[i].value.length == 32) {
                return uint256(bytes32(values[i].value));
            }
        }
        revert NoLabel(request);
    }

    function _grant(uint256 purchase, Purchase storage p) private {
        p.stage = Stage.Refunded;
        refundable[p.buyer] += p.amountWei;
        emit RefundGranted(purchase, p.buyer, p.amountWei);
    }
}
