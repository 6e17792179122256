// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Claim, Policy, TypedData} from "@veristack/chain-evm/contracts/Claim.sol";
import {IClaimVerifier, Status} from "@veristack/chain-evm/contracts/IClaimVerifier.sol";
import {Formula} from "@veristack/settlement-evm/contracts/Formula.sol";
import {
    ISettlement,
    Order,
    Permit,
    Requirement,
    State,
    Submission
} from "@veristack/settlement-evm/contracts/ISettlement.sol";
import {Settlement} from "@veristack/settlement-evm/contracts/Settlement.sol";
import {Coin, FeeCoin, HookCoin, LyingCoin} from "./lib/Doubles.sol";
import {CompositionScene, ScriptedVerifier, ZkmlScene} from "./lib/Scene.sol";

/// Answers what its storage says: a verifier that nobody should pin, and what happens to those who do.
contract UpgradeableVerifier is IClaimVerifier {
    IClaimVerifier public implementation;

    function upgrade(IClaimVerifier to) external {
        implementation = to;
    }

    function check(Claim calldata c, bytes calldata p, bytes calldata e) external view returns (Status, uint64) {
        return implementation.check(c, p, e);
    }
}

/// One test for each way in which this contract would be attacked.
contract AttacksTest is CompositionScene {
    function setUp() public override {
        super.setUp();
        terms.graceSeconds = 600;
    }

    function test_attack_verifierSwappedAfterTheRequest() public {
        ask(1, hex"00");
        ScriptedVerifier friendly = new ScriptedVerifier();
        Submission memory s = piece(0, CLAIMANT_KEY);
        friendly.set(digestOf(s), Status.Accepted, 0);
        // Another contract in the submission,
        s.policy = policyOf(address(friendly));
        vm.expectRevert(abi.encodeWithSelector(ISettlement.PolicyMismatch.selector, 0));
        settlement.submit(order, requirement, s);
        // and other code at the same address.
        s.policy = policies[0];
        vm.etch(address(verifiers[0]), hex"600260005260406000f3");
        vm.expectRevert(
            abi.encodeWithSelector(
                ISettlement.VerifierChanged.selector,
                address(verifiers[0]),
                policies[0].codeHash,
                address(verifiers[0]).codehash
            )
        );
        settlement.submit(order, requirement, s);
        assertEq(credit(claimant), 0);
    }

    /// The code hash of a proxy says nothing of what is behind it. That is the payer's choice, as the README says; what
    /// the contract can do is to drop what waits when the pinned code itself changes.
    function test_attack_verifierUpgradedAfterTheRequest() public {
        ask(1, hex"00");
        Submission memory s = wait(0, SQUATTER_KEY, NOW + 1 days);
        vm.etch(address(verifiers[0]), address(new UpgradeableVerifier()).code);
        settlement.finalize(order, requirement, s);
        inState(State.Open);
        vm.warp(refundTime());
        settlement.refund(order);
        assertEq(credit(payer), PRICE);
    }

    function test_attack_theSameLeafCountedTwice() public {
        compose(1, hex"0000800202");
        refusesOrder(abi.encodeWithSelector(Formula.LeafCountedTwice.selector, 0));
        compose(2, hex"0001800202");
        policies[1] = policies[0];
        requirement.leaves[1] = requirement.leaves[0];
        makeOrder();
        refusesOrder(abi.encodeWithSelector(ISettlement.DuplicateLeaf.selector, 0, 1));
        // The same evidence twice.
        ask(2, hex"0001800202");
        satisfy(0, CLAIMANT_KEY);
        Submission memory s = piece(0, CLAIMANT_KEY);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.AlreadySatisfied.selector, 0));
        settlement.submit(order, requirement, s);
        s.leaf = 1;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.PolicyMismatch.selector, 1));
        settlement.submit(order, requirement, s);
        inState(State.Open);
    }

    function test_attack_squattingWithAWrongClaim() public {
        ask(2, hex"0001800202");
        // The squatter has one leaf right, and lets the other wait as often as he may.
        satisfy(0, SQUATTER_KEY);
        for (uint256 i = 0; i < 16; ++i) {
            Submission memory wrong = piece(1, SQUATTER_KEY, bytes32(i), "evidence");
            script(wrong, Status.Pending, NOW + 1 days);
            settlement.submit(order, requirement, wrong);
        }
        satisfy(1, CLAIMANT_KEY);
        satisfy(0, CLAIMANT_KEY);
        assertEq(credit(claimant), PRICE);
        assertEq(credit(squatter), 0);
    }

    function test_attack_refundRacingAPendingClaim() public {
        ask(2, hex"0001800202");
        satisfy(0, CLAIMANT_KEY);
        vm.warp(order.request.expiresAt);
        Submission memory s = wait(1, CLAIMANT_KEY, order.request.expiresAt + 1 days);
        vm.warp(refundTime());
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Pending));
        settlement.refund(order);
        script(s, Status.Accepted, 0);
        settlement.finalize(order, requirement, s);
        assertEq(credit(claimant), PRICE);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongState.selector, id, State.Accepted));
        settlement.refund(order);
        assertEq(credit(payer), 0);
    }

    // ---- tokens ----

    function inToken(address token) internal {
        terms.token = token;
        Coin(token).mint(payer, 10 * PRICE);
        compose(1, hex"00");
    }

    function approve(uint256 amount) internal {
        vm.prank(payer);
        Coin(terms.token).approve(address(settlement), amount);
    }

    function permitFor(uint256 key, uint256 amount) internal view returns (Permit memory p) {
        p.deadline = NOW + 1 hours;
        bytes32 structHash = keccak256(
            abi.encode(
                keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)"),
                vm.addr(key),
                address(settlement),
                amount,
                0,
                p.deadline
            )
        );
        bytes32 separator = Coin(terms.token).DOMAIN_SEPARATOR();
        (p.v, p.r, p.s) = vm.sign(key, keccak256(abi.encodePacked(hex"1901", separator, structHash)));
    }

    function test_paidInAToken() public {
        terms.tipWei = 3;
        inToken(address(new Coin()));
        approve(PRICE + 3);
        id = placeOrder();
        assertEq(Coin(terms.token).balanceOf(address(settlement)), PRICE + 3);
        satisfy(0, CLAIMANT_KEY);
        assertEq(credit(claimant), PRICE);
        assertEq(settlement.creditOf(address(0), claimant), 0);
        vm.prank(claimant);
        settlement.withdraw(terms.token, payable(squatter));
        assertEq(Coin(terms.token).balanceOf(squatter), PRICE);
        vm.prank(payer);
        settlement.withdraw(terms.token, payable(payer));
        assertEq(Coin(terms.token).balanceOf(address(settlement)), 0);
    }

    function test_noCoinBesideAToken() public {
        inToken(address(new Coin()));
        approve(PRICE);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.WrongValue.selector, 0, 1));
        settlement.request{value: 1}(order, policies, requirement.formula);
    }

    function test_noAllowanceNoRequest() public {
        inToken(address(new Coin()));
        refusesOrder(
            abi.encodeWithSelector(IERC20Errors.ERC20InsufficientAllowance.selector, address(settlement), 0, PRICE)
        );
        terms.token = address(0xE0A); // no token at all
        makeOrder();
        vm.prank(payer);
        vm.expectRevert();
        settlement.request(order, policies, requirement.formula);
    }

    function test_attack_frontRunPermit() public {
        uint256 key = 0xFA7E;
        payer = vm.addr(key);
        inToken(address(new Coin()));
        Permit memory p = permitFor(key, PRICE);
        // Whoever saw it in the mempool uses it first: the allowance is there, and the request goes through.
        vm.prank(squatter);
        Coin(terms.token).permit(payer, address(settlement), PRICE, p.deadline, p.v, p.r, p.s);
        vm.prank(payer);
        id = settlement.requestWithPermit(order, policies, requirement.formula, p);
        inState(State.Open);
        assertEq(Coin(terms.token).balanceOf(address(settlement)), PRICE);
    }

    function test_permit() public {
        uint256 key = 0xFA7E;
        payer = vm.addr(key);
        inToken(address(new Coin()));
        Permit memory p = permitFor(key, PRICE);
        vm.prank(squatter); // somebody else's permit pays nothing of his
        vm.expectRevert(abi.encodeWithSelector(ISettlement.NotPayer.selector, payer, squatter));
        settlement.requestWithPermit(order, policies, requirement.formula, p);
        vm.prank(payer);
        id = settlement.requestWithPermit(order, policies, requirement.formula, p);
        inState(State.Open);
        vm.prank(payer);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.AlreadyRequested.selector, id));
        settlement.requestWithPermit(order, policies, requirement.formula, p);
    }

    function test_attack_feeOnTransferToken() public {
        inToken(address(new FeeCoin()));
        approve(PRICE);
        refusesOrder(
            abi.encodeWithSelector(
                ISettlement.WrongTokenAmount.selector, terms.token, PRICE, PRICE - PRICE / 100
            )
        );
        assertEq(Coin(terms.token).balanceOf(address(settlement)), 0);
    }

    function test_attack_lyingToken() public {
        LyingCoin coin = new LyingCoin();
        inToken(address(coin));
        coin.set(LyingCoin.Lie.MovesNothing);
        refusesOrder(abi.encodeWithSelector(ISettlement.WrongTokenAmount.selector, address(coin), PRICE, 0));
        coin.set(LyingCoin.Lie.ReturnsFalse);
        refusesOrder(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(coin)));
        coin.set(LyingCoin.Lie.Nothing);
        id = placeOrder();
        satisfy(0, CLAIMANT_KEY);
        // What it does at the withdrawal is between it and its users; a refusal keeps the credit.
        coin.set(LyingCoin.Lie.ReturnsFalse);
        vm.prank(claimant);
        vm.expectRevert(abi.encodeWithSelector(SafeERC20.SafeERC20FailedOperation.selector, address(coin)));
        settlement.withdraw(address(coin), payable(claimant));
        assertEq(credit(claimant), PRICE);
    }

    function test_attack_erc777LikeReentrancy() public {
        HookCoin coin = new HookCoin();
        Hooked hooked = new Hooked(settlement);
        payer = address(hooked);
        inToken(address(coin));
        hooked.approve(coin, 10 * PRICE);
        Order memory second = order;
        second.request.nonce = bytes32(uint256(99));
        hooked.arm(order, policies, requirement.formula);
        hooked.place(second, policies, requirement.formula);
        assertEq(hooked.reentered(), 0);
        assertEq(coin.balanceOf(address(settlement)), PRICE);
        order = second;
        vm.warp(refundTime());
        settlement.refund(second);
        hooked.withdraw(address(coin));
        assertEq(hooked.reentered(), 0);
        assertTrue(hooked.tries() >= 2, "it tried");
        assertEq(coin.balanceOf(address(settlement)), 0);
        assertEq(coin.balanceOf(address(hooked)), 10 * PRICE);
    }
}

/// Is told of every move of its tokens, and calls back in each time.
contract Hooked {
    Settlement private immutable settlement;
    bytes[] private calls;
    bool private armed;
    uint256 public reentered;
    uint256 public tries;

    constructor(Settlement s) {
        settlement = s;
    }

    function approve(Coin coin, uint256 amount) external {
        coin.approve(address(settlement), amount);
    }

    function arm(Order memory o, Policy[] memory policies, bytes memory formula) external {
        calls.push(abi.encodeCall(settlement.request, (o, policies, formula)));
        calls.push(abi.encodeCall(settlement.withdraw, (o.terms.token, payable(address(this)))));
        calls.push(abi.encodeCall(settlement.refund, (o)));
    }

    function place(Order memory o, Policy[] memory policies, bytes memory formula) external {
        armed = true;
        settlement.request(o, policies, formula);
        armed = false;
    }

    function withdraw(address token) external {
        armed = true;
        settlement.withdraw(token, payable(address(this)));
        armed = false;
    }

    function tokensToSend() external {
        attack();
    }

    function tokensReceived() external {
        attack();
    }

    function attack() private {
        if (!armed) return;
        ++tries;
        for (uint256 i = 0; i < calls.length; ++i) {
            (bool ok,) = address(settlement).call(calls[i]);
            if (ok) ++reentered;
        }
    }
}

/// With real proofs.
contract ReplayedEvidenceTest is ZkmlScene {
    Policy internal policy;
    Requirement internal requirement;

    function setUp() public override {
        super.setUp();
        policy = policyOf(address(newVerifier()));
        requirement = requirementOf(policy);
    }

    function orderNumber(uint256 nonce) internal view returns (Order memory o) {
        o = orderOf(policy, o.terms, inputsOf(INPUT), nonce);
    }

    function submissionFor(Order memory o) internal view returns (Submission memory) {
        bytes32 outputs = outputsOf(7, LOGITS);
        return submissionOf(o, policy, CLAIMANT_KEY, outputs, prove(claimFor(o, claimant, outputs)));
    }

    function test_attack_evidenceForAnotherRequest() public {
        Order memory a = orderNumber(1);
        Order memory b = orderNumber(2);
        place(a, policy);
        place(b, policy);
        Submission memory forA = submissionFor(a);
        Submission memory forB = submissionFor(b);
        forB.evidence = forA.evidence;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceRejected.selector, policy.verifier));
        settlement.submit(b, requirement, forB);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, claimant));
        settlement.submit(b, requirement, forA);
        settlement.submit(a, requirement, forA);
        assertEq(settlement.creditOf(address(0), claimant), PRICE);
    }

    function test_attack_evidenceForAnotherContract() public {
        Order memory o = orderNumber(1);
        place(o, policy);
        Submission memory here = submissionFor(o);
        settlement = new Settlement();
        place(o, policy);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, claimant));
        settlement.submit(o, requirement, here);
        Submission memory there = submissionFor(o);
        there.evidence = here.evidence;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceRejected.selector, policy.verifier));
        settlement.submit(o, requirement, there);
    }

    function test_attack_evidenceForAnotherChain() public {
        Order memory o = orderNumber(1);
        place(o, policy);
        Submission memory here = submissionFor(o);
        vm.chainId(1337);
        place(o, policy);
        vm.expectRevert(abi.encodeWithSelector(ISettlement.BadSignature.selector, claimant));
        settlement.submit(o, requirement, here);
        Submission memory there = submissionFor(o);
        there.evidence = here.evidence;
        vm.expectRevert(abi.encodeWithSelector(ISettlement.EvidenceRejected.selector, policy.verifier));
        settlement.submit(o, requirement, there);
    }
}
