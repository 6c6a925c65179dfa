"""How tools and data sets name and hang the nodes of a skeleton; `rigs` makes them.

Trees and names are those of the tools' own files and documents, without helpers of the face; how
long their bones are is `rigs.PLACES`'.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Family:
    """How one tool or data set makes skeletons."""

    tree: str
    """Lines of `Parent > Node=place > Child=place`; the first has no parent, and a line that begins
    with > goes on. * is the word for a side and ^ its first letter; a line that has one is there
    for both sides. A node named . is an end site. Places are those of `rigs.PLACES`."""
    sides: tuple[str, str] = ("Left", "Right")
    prefix: str = ""
    unit: float = 0.01
    """Meters."""
    up: str = "y"
    rest: str = "T"
    """How arms are at rest: out, down like an A, or along the body like an I."""
    frames: str = "world"
    """How bones are framed at rest: like the "world", or with X along the "bone"."""
    binds: bool = False
    """Whether files know a pose at rest (GLB), or only offsets (BVH)."""


def hands(hand: str, finger: str, joints: int = 3, named: str = "Thumb Index Middle Ring Pinky"):
    """Lines for fingers, thumb first: `*Hand{}#` with their names for {} and 1, 2, 3 for #."""
    lines = []
    for i, name in enumerate(named.split()):
        x, y, z = (-0.06, -0.01, 0.05) if i == 0 else (0, 0, 0.05 - 0.02 * i)
        chain = [
            finger.format(name).replace("#", f"{k + 1}") + f"=hand+{x + 0.03 * k:g},{y},{z:g}"
            for k in range(joints)
        ]
        lines.append(" > ".join([hand, *chain]))
    return "\n".join(lines)


MIXAMO = """
Hips=pelvis > Spine=s2 > Spine1=s6 > Spine2=s10 > Neck=neck > Head=head > HeadTop_End=crown
Spine2 > *Shoulder=collar > *Arm=shoulder > *ForeArm=elbow > *Hand=wrist
Hips > *UpLeg=hip > *Leg=knee > *Foot=ankle > *ToeBase=toe > *Toe_End=tip
"""
LIKE_MIXAMO = """
Hips=pelvis > Spine=s2 > Spine1=s6 > Spine2=s10 > Neck=neck > Head=head > .=crown
Spine2 > *Shoulder=collar > *Arm=shoulder > *ForeArm=elbow > *Hand=wrist > .=hand
Hips > *UpLeg=hip > *Leg=knee > *Foot=ankle > *ToeBase=toe > .=tip
"""
READY_PLAYER_ME = f"""
Armature=ground > {MIXAMO.strip()}
Head > *Eye=head+0.03,0.06,0.08
{hands("*Hand", "*Hand{}#", 4)}
"""
MOTION_BUILDER = f"""
Reference=ground > Hips=pelvis > Spine=s1 > Spine1=s4 > Spine2=s7 > Spine3=s10 > Neck=neck
> Neck1=neck2 > Head=head > .=crown
Hips > *UpLeg=hip > *Leg=knee > *Foot=ankle > *ToeBase=toe > .=tip
*UpLeg > *UpLegRoll=hip/knee > .=hip/knee+0,-0.1,0
*Leg > *LegRoll=knee/ankle > .=knee/ankle+0,-0.1,0
Spine3 > *Shoulder=collar > *Arm=shoulder > *ForeArm=elbow > *Hand=wrist
*Arm > *ArmRoll=shoulder/elbow > .=shoulder/elbow+0.1,0,0
*ForeArm > *ForeArmRoll=elbow/wrist > .=elbow/wrist+0.1,0,0
{hands("*Hand", "*InHand{}#")}
"""
ROKOKO = """
Hips=pelvis > Spine1=s1 > Spine2=s4 > Spine3=s7 > Spine4=s10 > Neck=neck > Head=head > .=crown
Spine4 > *Shoulder=collar > *Arm=shoulder > *ForeArm=elbow > *Hand=wrist > .=hand
Hips > *Thigh=hip > *Shin=knee > *Foot=ankle > *Toe=toe > .=tip
"""
CMU = """
Hips=pelvis
Hips > ^HipJoint=pelvis' > *UpLeg=hip > *Leg=knee > *Foot=ankle > *ToeBase=toe > .=tip
Hips > LowerBack=s0 > Spine=s4 > Spine1=s10 > Neck=neck0 > Neck1=neck > Head=head > .=crown
Spine1 > *Shoulder=collar > *Arm=shoulder > *ForeArm=elbow > *Hand=wrist > *FingerBase=wrist'
> *HandIndex1=hand > .=hand+0.03,0,0
*Hand > ^Thumb=wrist' > .=wrist+0.05,0,0.04
"""
BANDAI = """
joint_Root=ground > Hips=pelvis > Spine=s2 > Chest=s10 > Neck=neck > Head=head > .=crown
Chest > Shoulder_*=collar > UpperArm_*=shoulder > LowerArm_*=elbow > Hand_*=wrist > .=hand
Hips > UpperLeg_*=hip > LowerLeg_*=knee > Foot_*=ankle > Toes_*=toe > .=tip
"""
XSENS = """
Hips=pelvis > Chest=s2 > Chest2=s5 > Chest3=s7 > Chest4=s10 > Neck=neck > Head=head > .=crown
Chest4 > *Collar=collar > *Shoulder=shoulder > *Elbow=elbow > *Wrist=wrist > .=hand
Hips > *Hip=hip > *Knee=knee > *Ankle=ankle > *Toe=toe > .=tip
"""
SOMA = f"""
Root=ground > Hips=pelvis > Spine1=s2 > Spine2=s6 > Chest=s10 > Neck1=neck > Neck2=neck2
> Head=head > HeadEnd=crown
Head > Jaw=head+0,0,0.04 > .=head+0,0,0.1
Head > *Eye=head+0.03,0.06,0.08 > .=head+0.03,0.06,0.1
Chest > *Shoulder=collar > *Arm=shoulder > *ForeArm=elbow > *Hand=wrist
Hips > *Leg=hip > *Shin=knee > *Foot=ankle > *ToeBase=toe > *ToeEnd=tip
{hands("*Hand", "*Hand{}#")}
"""
BIPED = f"""
=pelvis' > Pelvis=pelvis > Spine=s1 > Spine1=s5 > Spine2=s10 > Neck=neck > Head=head > HeadNub=crown
 > Footsteps=pelvis+0,-0.95,0
Head > Ponytail1=head+0,0.15,-0.1 > Ponytail11=head+0,0,-0.2 > Ponytail1Nub=head+0,-0.3,-0.2
Neck > * Clavicle=collar > * UpperArm=shoulder > * Forearm=elbow > * Hand=wrist
* Forearm > * ForeTwist=elbow/wrist
Pelvis > * Thigh=hip > * Calf=knee > * Foot=ankle > * Toe0=toe > * Toe0Nub=tip
{hands("* Hand", "* Finger{}#", named="0 1 2 3 4")}
"""
# where Biped's "triangle pelvis" is off, legs hang from the spine
BIPED_SPINE = """
=pelvis' > _Pelvis=pelvis' > _Spine=pelvis > _Spine1=s10 > _Neck=neck > _Head=head > _HeadNub=crown
_Neck > _*_Clavicle=collar > _*_UpperArm=shoulder > _*_Forearm=elbow > _*_Hand=wrist
> _*_Finger0=hand > _*_Finger0Nub=hand+0.05,0,0
_Spine > _*_Thigh=hip > _*_Calf=knee > _*_Foot=ankle > _*_Toe0=toe > _*_Toe0Nub=tip
"""
POSER = f"""
hip=pelvis > abdomen=s3 > chest=s10 > neck=neck > head=head > .=crown
head > *Eye=head+0.03,0.06,0.08 > .=head+0.03,0.06,0.1
chest > *Collar=collar > *Shldr=shoulder > *ForeArm=elbow > *Hand=wrist
hip > *Buttock=pelvis+0.08,-0.02,0 > *Thigh=hip > *Shin=knee > *Foot=ankle > .=toe
{hands("*Hand", "*{}#", 2, "Thumb Index Mid Ring Pinky")}
"""
SECOND_LIFE = """
hip=pelvis > abdomen=s3 > chest=s10 > neck=neck > head=head > figureHair=crown > .=crown+0,0.05,0
chest > *Collar=collar > *Shldr=shoulder > *ForeArm=elbow > *Hand=wrist > .=hand
hip > *Thigh=hip > *Shin=knee > *Foot=ankle > .=toe
"""
SECOND_LIFE_BENTO = """
Pelvis=pelvis > Spine1=s0+0,0.114,0 > Spine2=s0 > Torso=s3 > Spine3=s3+0,0.266,0 > Spine4=s3'
> Chest=s10
Chest > Neck=neck > Head=head > Skull=crown
Head > Eye*=head+0.03,0.06,0.08
Chest > Collar*=collar > Shoulder*=shoulder > Elbow*=elbow > Wrist*=wrist > HandMiddle1*=hand
Chest > WingsRoot=s10+0,0,-0.05 > Wing1*=s10+0.1,0.1,-0.1 > Wing2*=s10+0.4,0.2,-0.2
> Wing3*=s10+0.8,0.1,-0.2 > Wing4*=s10+1.2,0,-0.2
Pelvis > Tail1=pelvis+0,0,-0.1 > Tail2=pelvis+0,0,-0.3 > Tail3=pelvis+0,0,-0.5
> Tail4=pelvis+0,0,-0.7 > Tail5=pelvis+0,0,-0.9
Pelvis > Hip*=hip > Knee*=knee > Ankle*=ankle > Foot*=toe > Toe*=tip
"""
DAZ = f"""
Genesis8Female=ground > hip=pelvis' > pelvis=pelvis
hip > abdomenLower=s1 > abdomenUpper=s4 > chestLower=s7 > chestUpper=s10 > neckLower=neck
> neckUpper=neck2 > head=head
head > *Eye=head+0.03,0.06,0.08
head > upperFaceRig=head+0,0.05,0.05 > *BrowInner=head+0.02,0.09,0.1
chestLower > *Pectoral=s7+0.08,-0.02,0.1
chestUpper > *Collar=collar > *ShldrBend=shoulder > *ShldrTwist=shoulder/elbow > *ForearmBend=elbow
> *ForearmTwist=elbow/wrist > *Hand=wrist
pelvis > *ThighBend=hip > *ThighTwist=hip/knee > *Shin=knee > *Foot=ankle
> *Metatarsals=ankle/toe > *Toe=toe > *BigToe=tip > *BigToe_2=tip+0,0,0.02
*Toe > *SmallToe1=tip+0.03,0,-0.02 > *SmallToe1_2=tip+0.03,0,0
{hands("*Hand", "*{}#", 3, "Thumb Index Mid Ring Pinky")}
"""
MAKE_HUMAN = f"""
root=pelvis > spine05=s1 > spine04=s3 > spine03=s5 > spine02=s7 > spine01=s10 > neck01=neck
> neck02=neck2 > neck03=neck3 > head=head > jaw=head+0,0,0.04 > tongue00=head+0,0,0.06
> tongue01=head+0,0,0.08
head > eye.*=head+0.03,0.06,0.08
head > levator02.*=head+0.02,0.05,0.1 > levator03.*=head+0.04,0.05,0.1
spine02 > breast.*=s7+0.08,0,0.1
spine01 > clavicle.*=collar > shoulder01.*=collar/shoulder > upperarm01.*=shoulder
> upperarm02.*=shoulder/elbow > lowerarm01.*=elbow > lowerarm02.*=elbow/wrist > wrist.*=wrist
root > pelvis.*=pelvis+0.05,-0.04,0 > upperleg01.*=hip > upperleg02.*=hip/knee > lowerleg01.*=knee
> lowerleg02.*=knee/ankle > foot.*=ankle > toe1-1.*=toe > toe1-2.*=tip
foot.* > toe2-1.*=toe+0.01,0,-0.01 > toe2-2.*=toe+0.01,0,0.04
foot.* > toe3-1.*=toe+0.02,0,-0.02 > toe3-2.*=toe+0.02,0,0.03
foot.* > toe4-1.*=toe+0.03,0,-0.03 > toe4-2.*=toe+0.03,0,0.02
foot.* > toe5-1.*=toe+0.04,0,-0.04 > toe5-2.*=toe+0.04,0,0.01
{hands("wrist.*", "finger{}-#.*", 3, "1 2 3 4 5")}
"""
# 165 joints with the face
MAKE_HUMAN_CMU = f"""
hip=pelvis > abdomen=s3 > chest=s10 > neck=neck > head=head > .=crown
head > jaw=head+0,0,0.04 > tongue00=head+0,0,0.06 > .=head+0,0,0.08
head > temporalis02.*=head+0.02,0.05,0.1 > risorius02.*=head+0.04,0.05,0.1 > .=head+0.04,0,0.1
chest > ^Collar=collar > ^Shldr=shoulder > ^ForeArm=elbow > ^Hand=wrist
hip > ^Buttock=pelvis+0.08,-0.02,0 > ^Hip=hip > ^Knee=knee > ^Foot=ankle > .=toe
{hands("^Hand", "finger{}-#.*", 3, "1 2 3 4 5")}
"""
REALLUSION = f"""
BoneRoot=ground > Hip=pelvis' > Pelvis=pelvis
Pelvis > *_Thigh=hip > *_Calf=knee > *_Foot=ankle > *_ToeBase=toe > *_BigToe1=tip
Hip > Waist=s1 > Spine01=s5 > Spine02=s10 > NeckTwist01=neck > NeckTwist02=neck2 > Head=head
> FacialBone=head+0,0,0.02 > JawRoot=head+0,0,0.04 > Tongue01=head+0,0,0.06
*_Foot > *_ToeBaseShareBone=toe'
*_Thigh > *_ThighTwist01=hip/knee > *_ThighTwist02=hip/knee+0,-0.1,0
*_Thigh > *_KneeShareBone=knee'
*_Calf > *_CalfTwist01=knee/ankle > *_CalfTwist02=knee/ankle+0,-0.1,0
Spine02 > *_RibsTwist=s7+0.08,0,0.05 > *_Breast=s7+0.08,0,0.1
Spine02 > *_Clavicle=collar > *_Upperarm=shoulder > *_Forearm=elbow > *_Hand=wrist
*_Upperarm > *_UpperarmTwist01=shoulder/elbow > *_UpperarmTwist02=shoulder/elbow+0.1,0,0
*_Upperarm > *_ElbowShareBone=elbow'
*_Forearm > *_ForearmTwist01=elbow/wrist > *_ForearmTwist02=elbow/wrist+0.1,0,0
{hands("*_Hand", "*_{}#", 3, "Thumb Index Mid Ring Pinky")}
"""
RIGIFY = f"""
spine=pelvis > spine.001=s3 > spine.002=s6 > spine.003=s10 > spine.004=neck > spine.005=neck2
> spine.006=head
spine > pelvis.*=pelvis'
spine.003 > breast.*=s7+0.08,0,0.1
spine.003 > shoulder.*=collar > upper_arm.*=shoulder > upper_arm.*.001=shoulder/elbow
> forearm.*=elbow > forearm.*.001=elbow/wrist > hand.*=wrist
spine > thigh.*=hip > thigh.*.001=hip/knee > shin.*=knee > shin.*.001=knee/ankle > foot.*=ankle
> toe.*=toe
{hands("hand.*", "f_{}.0#.*", 3, "thumb index middle ring pinky")}
"""
# what Blender's export makes of it without its other bones: limbs lose what they hang from
RIGIFY_LOOSE = """
rig=ground > DEF-spine=pelvis > DEF-spine.001=s3 > DEF-spine.002=s6 > DEF-spine.003=s10
> DEF-spine.004=neck > DEF-spine.005=neck2 > DEF-spine.006=head
rig > DEF-shoulder.*=collar'
rig > DEF-upper_arm.*=shoulder > DEF-upper_arm.*.001=shoulder/elbow > DEF-forearm.*=elbow
> DEF-forearm.*.001=elbow/wrist > DEF-hand.*=wrist > DEF-f_middle.01.*=hand
rig > DEF-thigh.*=hip > DEF-thigh.*.001=hip/knee > DEF-shin.*=knee > DEF-shin.*.001=knee/ankle
> DEF-foot.*=ankle > DEF-toe.*=toe
"""
UNREAL = f"""
root=ground > pelvis=pelvis > spine_01=s1 > spine_02=s3 > spine_03=s6 > spine_04=s8 > spine_05=s10
> neck_01=neck > neck_02=neck2 > head=head
root > ik_foot_root=ground'
ik_foot_root > ik_foot_*=ground+0.1,0.08,0
root > ik_hand_root=ground' > ik_hand_gun=ground+-0.7,1.4,0
ik_hand_gun > ik_hand_*=ground+0.7,1.4,0
spine_05 > clavicle_*=collar > upperarm_*=shoulder > lowerarm_*=elbow > hand_*=wrist
upperarm_* > upperarm_twist_01_*=shoulder'
upperarm_* > upperarm_twist_02_*=shoulder/elbow
lowerarm_* > lowerarm_twist_01_*=elbow/wrist
hand_* > weapon_*=hand+0,-0.05,0.1
pelvis > thigh_*=hip > calf_*=knee > foot_*=ankle > ball_*=toe
thigh_* > thigh_twist_01_*=hip/knee
calf_* > calf_twist_01_*=knee/ankle
{hands("hand_*", "{}_0#_*", 3, "thumb index middle ring pinky")}
"""
VROID = f"""
Root=ground > J_Bip_C_Hips=pelvis > J_Bip_C_Spine=s2 > J_Bip_C_Chest=s6 > J_Bip_C_UpperChest=s10
> J_Bip_C_Neck=neck > J_Bip_C_Head=head
J_Bip_C_Head > J_Adj_*_FaceEye=head+0.03,0.06,0.08
J_Bip_C_Head > J_Sec_Hair1_01=head+0,0.15,-0.1 > J_Sec_Hair2_01=head+0,0,-0.2
> J_Sec_Hair3_01=head+0,-0.3,-0.2 > J_Sec_Hair4_01=head+0,-0.6,-0.2
J_Bip_C_UpperChest > J_Sec_*_Bust1=s7+0.08,0,0.05 > J_Sec_*_Bust2=s7+0.08,0,0.1
J_Bip_C_UpperChest > J_Bip_*_Shoulder=collar > J_Bip_*_UpperArm=shoulder > J_Bip_*_LowerArm=elbow
> J_Bip_*_Hand=wrist
J_Bip_*_LowerArm > J_Sec_*_Sleeve1=elbow+0.1,0,0 > J_Sec_*_Sleeve2=elbow+0.2,-0.1,0
> J_Sec_*_Sleeve3=elbow+0.3,-0.2,0 > J_Sec_*_Sleeve4=elbow+0.4,-0.3,0
J_Bip_C_Hips > J_Bip_*_UpperLeg=hip > J_Bip_*_LowerLeg=knee > J_Bip_*_Foot=ankle
> J_Bip_*_ToeBase=toe > J_Bip_*_ToeBase_end=tip
J_Bip_C_Hips > J_Sec_*_SkirtFront0=pelvis+0.1,-0.05,0.1 > J_Sec_*_SkirtFront1=pelvis+0.12,-0.4,0.12
> J_Sec_*_SkirtFront2=pelvis+0.14,-0.8,0.14 > J_Sec_*_SkirtFront2_end=pelvis+0.14,-0.9,0.14
{hands("J_Bip_*_Hand", "J_Bip_*_{}#", 3, "Thumb Index Middle Ring Little")}
"""
HUMANOID = """
Hips=pelvis > Spine=s2 > Chest=s6 > UpperChest=s10 > Neck=neck > Head=head > .=crown
UpperChest > *Shoulder=collar > *UpperArm=shoulder > *LowerArm=elbow > *Hand=wrist > .=hand
Hips > *UpperLeg=hip > *LowerLeg=knee > *Foot=ankle > *Toes=toe > .=tip
"""
SMPL = """
Pelvis=pelvis > Spine1=s2 > Spine2=s6 > Spine3=s10 > Neck=neck > Head=head
Spine3 > *_Collar=collar > *_Shoulder=shoulder > *_Elbow=elbow > *_Wrist=wrist > *_Hand=hand
Pelvis > *_Hip=hip > *_Knee=knee > *_Ankle=ankle > *_Foot=toe
"""
SMPL_X = f"""
pelvis=pelvis > spine1=s2 > spine2=s6 > spine3=s10 > neck=neck > head=head > jaw=head+0,0,0.04
head > *_eye_smplhf=head+0.03,0.06,0.08
spine3 > *_collar=collar > *_shoulder=shoulder > *_elbow=elbow > *_wrist=wrist
pelvis > *_hip=hip > *_knee=knee > *_ankle=ankle > *_foot=toe
{hands("*_wrist", "*_{}#", 3, "thumb index middle ring pinky")}
"""
DEEP_MIMIC = """
root=pelvis > chest=s10 > neck=neck > .=crown
chest > *_shoulder=shoulder > *_elbow=elbow > *_wrist=wrist
root > *_hip=hip > *_knee=knee > *_ankle=ankle
"""
BARE = """
Hips=pelvis > Spine=s3 > Chest=s10 > Head=head > .=crown
Chest > *Arm=shoulder > *ForeArm=elbow > .=wrist
Hips > *UpLeg=hip > *Leg=knee > *Foot=ankle > .=toe
"""
MIKU_MIKU_DANCE = f"""
全ての親=ground > センター=pelvis' > グルーブ=pelvis' > 腰=pelvis' > 下半身=pelvis
下半身 > *足=hip > *ひざ=knee > *足首=ankle > *つま先=toe
腰 > 上半身=s1 > 上半身2=s10 > 首=neck > 頭=head
頭 > *目=head+0.03,0.06,0.08
上半身2 > *肩=collar > *腕=shoulder > *腕捩=shoulder/elbow > *ひじ=elbow
> *手捩=elbow/wrist > *手首=wrist
下半身 > *足D=hip' > *ひざD=knee' > *足首D=ankle' > *足先EX=toe'
全ての親 > *足IK親=ground+0.1,0,0 > *足ＩＫ=ground+0.1,0.08,0 > *つま先ＩＫ=ground+0.1,0.02,0.1
{hands("*手首", "*{}指#", 3, "親 人 中 薬 小")}
"""
# RootJoint, lTorso_Clavicle: of a course on animation whose files many have
GAMES = """
RootJoint=pelvis > pelvis_lowerback=s2 > lowerback_torso=s10 > torso_head=head > .=crown
lowerback_torso > *Torso_Clavicle=collar > *Shoulder=shoulder > *Elbow=elbow > *Wrist=wrist > .=hand
RootJoint > *Hip=hip > *Knee=knee > *Ankle=ankle > *ToeJoint=toe > .=tip
"""
GERMAN = """
Wurzel=ground > Becken=pelvis > Bauch=s2 > Brust=s10 > Hals=neck > Kopf=head > .=crown
Brust > Schulter *=collar > Oberarm *=shoulder > Unterarm *=elbow > Hand *=wrist > .=hand
Becken > Oberschenkel *=hip > Unterschenkel *=knee > Fuss *=ankle > Zehen *=toe > .=tip
"""
FRENCH = """
Bassin=pelvis > Colonne=s2 > Poitrine=s10 > Cou=neck > Tete=head > .=crown
Poitrine > Epaule_*=collar > Bras_*=shoulder > AvantBras_*=elbow > Main_*=wrist > .=hand
Bassin > Cuisse_*=hip > Tibia_*=knee > Pied_*=ankle > Orteils_*=toe > .=tip
"""

FAMILIES = {
    "mixamo": Family(
        tree=MIXAMO + hands("*Hand", "*Hand{}#", 4), prefix="mixamorig:", frames="bone", binds=True
    ),
    "mixamo_bvh": Family(tree=LIKE_MIXAMO),
    "mixamo_a_pose": Family(tree=LIKE_MIXAMO, rest="A"),
    "mixamo_arms_down": Family(tree=LIKE_MIXAMO, rest="I", up="z"),
    "mixamo_x_up": Family(tree=LIKE_MIXAMO, up="x"),
    "mixamo_y_down": Family(tree=LIKE_MIXAMO, up="-y"),
    "ready_player_me": Family(tree=READY_PLAYER_ME, unit=1, rest="A", binds=True),
    "motion_builder": Family(tree=MOTION_BUILDER),
    "rokoko": Family(tree=ROKOKO),
    "lafan1": Family(tree=LIKE_MIXAMO.replace("ToeBase", "Toe"), frames="bone"),
    "cmu": Family(tree=CMU, unit=0.0254 / 0.45),
    "bandai": Family(tree=BANDAI, sides=("L", "R")),
    "100style": Family(tree=XSENS),
    "soma": Family(tree=SOMA),
    "biped": Family(
        tree=BIPED, sides=("L", "R"), prefix="Bip01 ", up="z", frames="bone", binds=True
    ),
    "biped_spine": Family(tree=BIPED_SPINE, sides=("L", "R"), prefix="Bip01", unit=0.0254),
    "poser": Family(tree=POSER, sides=("l", "r")),
    "second_life": Family(tree=SECOND_LIFE, sides=("l", "r"), unit=0.0254),
    "second_life_bento": Family(tree=SECOND_LIFE_BENTO, prefix="m", unit=1, up="z"),
    "daz": Family(tree=DAZ, sides=("l", "r"), rest="A"),
    "make_human": Family(tree=MAKE_HUMAN, sides=("L", "R"), unit=0.1, rest="A", binds=True),
    "make_human_cmu": Family(tree=MAKE_HUMAN_CMU, sides=("l", "r"), unit=0.1),
    "reallusion": Family(
        tree=REALLUSION, sides=("L", "R"), prefix="CC_Base_", rest="A", binds=True
    ),
    "rigify": Family(tree=RIGIFY, sides=("L", "R"), prefix="DEF-", unit=1, rest="A", binds=True),
    "rigify_loose": Family(tree=RIGIFY_LOOSE, sides=("L", "R"), unit=1, binds=True),
    "unreal": Family(tree=UNREAL, sides=("l", "r"), up="z", rest="A", frames="bone", binds=True),
    "vroid": Family(tree=VROID, sides=("L", "R"), unit=1, binds=True),
    "humanoid": Family(tree=HUMANOID, unit=1),
    "smpl": Family(tree=SMPL, sides=("L", "R"), unit=1, binds=True),
    "smpl_x": Family(tree=SMPL_X, sides=("left", "right"), unit=1, up="z"),
    "deep_mimic": Family(tree=DEEP_MIMIC, sides=("left", "right"), unit=1, rest="I"),
    "bare": Family(tree=BARE),
    "miku_miku_dance": Family(tree=MIKU_MIKU_DANCE, sides=("左", "右"), unit=0.08, rest="A"),
    "games": Family(tree=GAMES, sides=("l", "r"), unit=1),
    "german": Family(tree=GERMAN, sides=("links", "rechts")),
    "french": Family(tree=FRENCH, sides=("gauche", "droite")),
}
"""By name."""
