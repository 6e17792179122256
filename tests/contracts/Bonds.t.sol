// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;

import {Bonds, Lock} from "@veristack/settlement-evm/contracts/Bonds.sol";
import {Test} from "./lib/Test.sol";

contract BondsTest is Test {
    Bonds internal bonds;
    uint256 internal constant KEY = 0xB0B;
    address internal owner;
    address internal verifier = address(0x7E57);
    bytes32 internal constant CLAIM = keccak256("claim");
    uint64 internal constant NOW = 1_800_000_000;

    function setUp() public {
        vm.warp(NOW);
        bonds = new Bonds();
        owner = vm.addr(KEY);
        vm.deal(owner, 10 ether);
        vm.prank(owner);
        bonds.deposit{value: 5 ether}();
    }

    function lockFor(bytes32 claim) internal view returns (Lock memory) {
        return Lock(owner, verifier, claim, 2 ether, NOW + 1 days);
    }

    function sign(uint256 key, Lock memory l) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, bonds.lockDigest(l));
        return abi.encodePacked(r, s, v);
    }

    function locked() internal {
        Lock memory l = lockFor(CLAIM);
        bonds.lock(l, sign(KEY, l));
    }

    function test_onlyItsVerifierSlashesForThatClaim() public {
        locked();
        assertEq(bonds.depositOf(owner), 3 ether);
        vm.expectRevert(abi.encodeWithSelector(Bonds.NotLocked.selector, owner, address(this), CLAIM));
        bonds.slash(owner, CLAIM, address(this), 1 ether);
        vm.prank(owner);
        vm.expectRevert(abi.encodeWithSelector(Bonds.NotLocked.selector, owner, owner, CLAIM));
        bonds.slash(owner, CLAIM, owner, 1 ether);
        bytes32 other = keccak256("other claim");
        vm.startPrank(verifier);
        vm.expectRevert(abi.encodeWithSelector(Bonds.NotLocked.selector, owner, verifier, other));
        bonds.slash(owner, other, address(this), 1 ether);
        vm.expectRevert(abi.encodeWithSelector(Bonds.BadAward.selector, address(1), 3 ether));
        bonds.slash(owner, CLAIM, address(1), 3 ether);
        vm.expectRevert(abi.encodeWithSelector(Bonds.BadAward.selector, address(0), 1));
        bonds.slash(owner, CLAIM, address(0), 1);
        bonds.slash(owner, CLAIM, address(1), 0.5 ether);
        vm.expectRevert(abi.encodeWithSelector(Bonds.NotLocked.selector, owner, verifier, CLAIM));
        bonds.slash(owner, CLAIM, address(1), 0.5 ether);
        vm.stopPrank();
        assertEq(bonds.depositOf(address(1)), 0.5 ether);
        vm.expectRevert(abi.encodeWithSelector(Bonds.NotLocked.selector, owner, verifier, CLAIM));
        bonds.release(owner, verifier, CLAIM);
        // The rest is burnt.
        vm.prank(owner);
        bonds.withdraw(3 ether, payable(address(0xCAFE)));
        vm.prank(address(1));
        bonds.withdraw(0.5 ether, payable(address(0xCAFE)));
        assertEq(address(bonds).balance, 1.5 ether);
        assertEq(bonds.depositOf(owner), 0);
    }

    function test_releasedOtherwise() public {
        locked();
        vm.warp(NOW + 1 days);
        vm.expectRevert(abi.encodeWithSelector(Bonds.StillLocked.selector, NOW + 1 days));
        bonds.release(owner, verifier, CLAIM);
        vm.warp(NOW + 1 days + 1);
        vm.prank(verifier);
        vm.expectRevert(abi.encodeWithSelector(Bonds.LockOver.selector, NOW + 1 days));
        bonds.slash(owner, CLAIM, address(1), 0);
        bonds.release(owner, verifier, CLAIM);
        assertEq(bonds.depositOf(owner), 5 ether);
        vm.expectRevert(abi.encodeWithSelector(Bonds.NotLocked.selector, owner, verifier, CLAIM));
        bonds.release(owner, verifier, CLAIM);
    }

    function test_itsVerifierReleasesEarly() public {
        locked();
        vm.prank(verifier);
        bonds.release(owner, verifier, CLAIM);
        assertEq(bonds.depositOf(owner), 5 ether);
        // The signature is used up.
        Lock memory l = lockFor(CLAIM);
        bytes memory signature = sign(KEY, l);
        vm.expectRevert(abi.encodeWithSelector(Bonds.AlreadyLocked.selector, owner, verifier, CLAIM));
        bonds.lock(l, signature);
    }

    function test_onlyTheOwnersSignatureLocks() public {
        Lock memory l = lockFor(CLAIM);
        bytes memory signature = sign(KEY, l);
        bytes memory anothers = sign(0xBAD, l);
        refused(l, anothers);
        Lock memory other = lockFor(CLAIM);
        other.amountWei = 3 ether;
        refused(other, signature);
        other = lockFor(CLAIM);
        other.verifier = address(this);
        refused(other, signature);
        other = lockFor(keccak256("other"));
        refused(other, signature);
        other = lockFor(CLAIM);
        other.until += 1;
        refused(other, signature);
        Bonds elsewhere = new Bonds();
        vm.expectRevert(abi.encodeWithSelector(Bonds.BadSignature.selector, owner));
        elsewhere.lock(l, signature);
        vm.chainId(99);
        refused(l, signature);
    }

    function refused(Lock memory l, bytes memory signature) internal {
        vm.expectRevert(abi.encodeWithSelector(Bonds.BadSignature.selector, owner));
        bonds.lock(l, signature);
    }

    function test_badLocks() public {
        Lock memory l = lockFor(CLAIM);
        l.amountWei = 0;
        vm.expectRevert(Bonds.BadLock.selector);
        bonds.lock(l, "");
        l.amountWei = 1 << 184;
        vm.expectRevert(Bonds.BadLock.selector);
        bonds.lock(l, "");
        l = lockFor(CLAIM);
        l.until = NOW - 1;
        vm.expectRevert(Bonds.BadLock.selector);
        bonds.lock(l, "");
        l = lockFor(CLAIM);
        l.amountWei = 6 ether;
        bytes memory signature = sign(KEY, l);
        vm.expectRevert(abi.encodeWithSelector(Bonds.InsufficientDeposit.selector, owner, 5 ether, 6 ether));
        bonds.lock(l, signature);
    }

    function test_withdraw() public {
        locked();
        vm.startPrank(owner);
        vm.expectRevert(abi.encodeWithSelector(Bonds.InsufficientDeposit.selector, owner, 3 ether, 4 ether));
        bonds.withdraw(4 ether, payable(owner));
        vm.expectRevert(Bonds.BadRecipient.selector);
        bonds.withdraw(1, payable(0));
        vm.expectRevert(Bonds.BadRecipient.selector);
        bonds.withdraw(1, payable(address(bonds)));
        bonds.withdraw(3 ether, payable(owner));
        vm.stopPrank();
        assertEq(owner.balance, 8 ether);
    }
}

/// Locks, slashes and releases at random; what is owed is always there.
contract BondPlayer is Test {
    Bonds public bonds = new Bonds();
    uint256[2] private keys = [uint256(0xA), 0xB];
    address[2] private verifiers = [address(0x71), address(0x72)];
    uint256 public locked;
    uint256 public burnt;
    uint64 private time = 1_800_000_000;

    function deposit(uint256 who, uint256 amount) external {
        amount = bound(amount, 0, 1 ether);
        address owner = vm.addr(keys[who % 2]);
        vm.deal(owner, amount);
        vm.prank(owner);
        bonds.deposit{value: amount}();
    }

    function lock(uint256 who, uint256 v, uint256 claim, uint256 amount, uint256 window) external {
        vm.warp(time);
        address owner = vm.addr(keys[who % 2]);
        Lock memory l = Lock(
            owner, verifiers[v % 2], bytes32(claim % 16), bound(amount, 1, 1 ether), time + uint64(bound(window, 0, 1 days))
        );
        (uint8 sv, bytes32 r, bytes32 s) = vm.sign(keys[who % 2], bonds.lockDigest(l));
        try bonds.lock(l, abi.encodePacked(r, s, sv)) {
            locked += l.amountWei;
        } catch {}
    }

    function slash(uint256 who, uint256 v, uint256 claim, uint256 award) external {
        vm.warp(time);
        address owner = vm.addr(keys[who % 2]);
        Bonds.Locked memory l = bonds.lockOf(owner, verifiers[v % 2], bytes32(claim % 16));
        award = bound(award, 0, uint256(l.amountWei) + 1);
        vm.prank(verifiers[v % 2]);
        try bonds.slash(owner, bytes32(claim % 16), vm.addr(keys[0]), award) {
            locked -= l.amountWei;
            burnt += l.amountWei - award;
        } catch {}
    }

    function release(uint256 who, uint256 v, uint256 claim, uint256 seconds_) external {
        time += uint64(bound(seconds_, 0, 1 days));
        vm.warp(time);
        address owner = vm.addr(keys[who % 2]);
        Bonds.Locked memory l = bonds.lockOf(owner, verifiers[v % 2], bytes32(claim % 16));
        try bonds.release(owner, verifiers[v % 2], bytes32(claim % 16)) {
            locked -= l.amountWei;
        } catch {}
    }

    function withdraw(uint256 who, uint256 amount) external {
        address owner = vm.addr(keys[who % 2]);
        amount = bound(amount, 0, bonds.depositOf(owner) + 1);
        vm.prank(owner);
        try bonds.withdraw(amount, payable(address(0x1000))) {} catch {}
    }

    function owed() external view returns (uint256) {
        return bonds.depositOf(vm.addr(keys[0])) + bonds.depositOf(vm.addr(keys[1])) + locked + burnt;
    }
}

contract BondsInvariants is Test {
    BondPlayer private player;

    function setUp() public {
        player = new BondPlayer();
    }

    function targetContracts() public view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(player);
    }

    /// forge-config: default.invariant.runs = 20
    function invariant_everyWeiIsDepositedLockedOrBurnt() public view {
        assertEq(address(player.bonds()).balance, player.owed());
    }
}
