//! Han characters that are one character in several forms: simplified, traditional, Japanese. Texts and
//! terms are compared in one of them, so 會談, 会談 and 会谈 are one term.
//!
//! Only forms that no reader would take for two words are listed: 後 and 后, 裡 and 里, 乾 and 干, 円 and 圆 are not.

/// Each word is a form to compare in, followed by the forms that become it.
const FORMS: &str = "\
    会會 谈談 韩韓 国國 总總総 统統 领領 导導 脑腦脳 对對対 话話 发發発 弹彈弾 飞飛 战戰戦 \
    争爭 权權権 经經経 济濟済 论論 议議 协協 约約 调調 书書 亲親 笔筆 长長 记記 东東 车車 \
    门門 问問 间間 开開 关關関 际際 陆陸 阳陽 阶階 队隊 杂雜雑 难難 电電 静靜 头頭 频頻 题題 \
    愿願 类類 顾顧 显顯顕 风風 馆館 驻駐 马馬 鱼魚 鲜鮮 鸟鳥 鹰鷹 丽麗 黄黃 齐齊斉 龙龍竜 \
    与與 万萬 个個 伦倫 伟偉 侧側 备備 传傳伝 债債 伤傷 亿億 优優 仪儀 价價価 两兩両 内內 \
    册冊 冻凍 刘劉 则則 刚剛 创創 剑劍剣 动動 务務 胜勝 劳勞労 势勢 励勵 区區 单單単 却卻 \
    参參 员員 启啟啓 严嚴厳 围圍囲 园園 圆圓 图圖図 团團団 执執 报報 场場 块塊 压壓圧 坏壞壊 \
    壮壯 声聲 处處処 梦夢 夺奪 奋奮 学學 孙孫 宁寧 实實実 审審 写寫 宝寶 将將 专專 届屆 属屬 \
    岛島 峡峽 岗崗 岭嶺 帅帥 师師 帐帳 带帶帯 帮幫 厂廠 废廢廃 广廣広 厅廳庁 张張 强強 弯彎 \
    从從従 复復複 德徳 爱愛 态態 惨慘 虑慮 庆慶 忧憂 宪憲 应應応 恋戀 戏戲戯 户戶戸 抛拋 挂掛 \
    采採 扬揚 换換 损損 摇搖揺 抢搶 击擊撃 择擇択 挡擋 担擔 据據拠 拥擁 扩擴拡 拟擬 摆擺 败敗 \
    叙敘 敌敵 数數 断斷 时時 晋晉 暂暫 历歷歴曆暦 条條 弃棄 业業 极極 荣榮栄 构構 枪槍 乐樂楽 \
    标標 样樣様 楼樓 桥橋 机機 欧歐 欢歡歓 岁歲歳 归歸帰 杀殺 残殘 毁毀 气氣気 决決 没沒 况況 \
    泄洩 净淨浄 减減 测測 汤湯 沟溝 温溫 灭滅 满滿満 汉漢 渔漁 涨漲 渐漸 潜潛 溃潰 泽澤沢 \
    滨濱浜 湾灣 灾災 为為爲 乌烏 无無 炼煉錬 烟煙 热熱 灯燈 烧燒焼 营營営 尔爾 墙牆 状狀 狭狹 \
    犹猶 狱獄 奖獎 独獨 获獲 献獻 环環 现現 玛瑪 产產産 异異 当當 疗療 尽盡 监監 盘盤 卢盧 \
    众眾衆 瞩矚 础礎 码碼 确確 碍礙 秘祕 祸禍 礼禮 离離 税稅 种種 称稱 积積 稳穩穏 竞競 节節 \
    范範 筑築 简簡 签簽 筹籌 吁籲 粮糧 纠糾 纪紀 红紅 纳納 纽紐 级級 纷紛 纸紙 紧緊 细細 \
    终終 组組 结結 绝絕絶 给給 绑綁 网網 维維 绿綠緑 线線綫 缔締 缘緣縁 编編 缓緩 练練 纬緯 \
    县縣県 缩縮 绩績 织織 绕繞 继繼継 续續続 罗羅 罚罰 罢罷 义義 习習 圣聖 闻聞 联聯 聪聰 \
    职職 听聽聴 肃肅 胁脅 脱脫 脸臉 临臨 举舉挙 旧舊 舰艦 艰艱 莱萊 盖蓋 庄莊荘 华華 蒋蔣 \
    萨薩 蓝藍 药藥薬 苏蘇 兰蘭 号號 卫衛 冲衝沖 装裝 制製 见見 规規 视視 觉覺覚 观觀観 订訂 \
    计計 讯訊 讨討 训訓 访訪 设設 许許 诉訴 诊診 诈詐 评評 词詞 试試 该該 详詳 夸誇 认認 \
    语語 误誤 说說説 谁誰 课課 请請 诺諾 谋謀 谢謝 谣謠 证證証 识識 译譯訳 谴譴 护護 读讀読 \
    变變変 让讓譲 赞讚讃贊賛 丰豐豊 贝貝 负負 财財 贡貢 贩販 货貨 责責 贵貴 买買 贸貿 费費 \
    资資 宾賓 赏賞 卖賣売 赖賴頼 质質 购購 赠贈 赶趕 赵趙 践踐 踪蹤 轨軌 军軍 软軟 较較 载載 \
    轻輕軽 辆輛 辉輝 轮輪 辑輯 输輸 转轉転 轰轟 办辦 辞辭 边邊辺 递遞 远遠 适適 迟遲 迁遷 \
    选選 遗遺 还還 邓鄧 郑鄭 邻鄰隣 医醫 释釋釈 针針 钓釣 钧鈞 银銀 锐銳鋭 钢鋼 录錄録 钱錢銭 \
    错錯 键鍵 锁鎖 镇鎮 链鏈 钟鐘 铁鐵鉄 闪閃 闭閉 阁閣 阅閱閲 阔闊 阵陣 阴陰 陈陳 随隨 \
    险險険 隐隱隠 双雙 鸡雞鶏 灵靈霊 响響 顶頂 项項 顺順 须須 预預 颜顏顔 颠顛 飘飄 饮飲 养養 \
    饿餓 驳駁 驶駛 驾駕 驱驅駆 验驗験 惊驚 体體 鲁魯 闹鬧 鲍鮑 鸣鳴 麦麥 党黨 点點 龄齡齢 \
    壤壌 惠恵 恶惡悪 检檢検 步歩 每毎 涉渉 滞滯 亚亞亜 收収 真眞 黑黒 纯純 诚誠 谦謙 谅諒 \
    贺賀 贯貫 赢贏 铺鋪舗 销銷 锦錦 锋鋒 陷陥 韦韋 顿頓 颁頒 额額 馈饋 骑騎 骗騙 鲸鯨 鹤鶴 \
    鸿鴻 龟龜亀 坛壇 峰峯 台臺 群羣 污汙 扰擾 拨撥 挠撓 挤擠 晓曉 晕暈 昼晝 枢樞 栏欄 桩樁 \
    梁樑 毙斃 泪淚涙 洁潔 浅淺 涂塗 渊淵 湿濕 滚滾 瓯甌 疯瘋 痴癡 盗盜 矫矯 砖磚 窃竊 窜竄 \
    窝窩 纲綱 纵縱縦 绪緒 绳繩縄 缠纏 缴繳 耸聳 肠腸 肿腫 胆膽 艳艷 荐薦 荡蕩 虏虜 蚀蝕 蛮蠻 \
    补補 觅覓 誉譽 诸諸 谎謊 谜謎 谨謹 贤賢 贪貪 贫貧 赋賦 踊踴 躯軀 轴軸 辐輻 辖轄 连連 \
    违違 逊遜 逻邏 酱醬 酿釀 铃鈴 铜銅 铝鋁 锡錫 锻鍛 镜鏡 闯闖 闷悶 闸閘 陇隴 隶隸隷 雾霧 \
    韵韻 颗顆 飓颶 馅餡 驰馳 骂罵 骄驕 鹏鵬 牵牽 犊犢 寻尋 层層 弥彌 忆憶 怀懷懐 恼惱 恳懇 \
    悬懸 惧懼 愤憤 拦攔 擞擻 殴毆 沪滬 泻瀉 浓濃 涛濤 瀬瀨 炮砲 蒙矇 玺璽 畅暢 矿礦鉱 穷窮 \
    窑窯 竖豎 绥綏 缉緝 缅緬 赔賠 阐闡 喷噴 嘱囑 吓嚇 吴吳 呜嗚 哗嘩 唤喚 唇脣 嚣囂 垫墊 \
    垄壟 坚堅 坟墳 坠墜 堕墮 够夠 妆妝 妇婦 娱娛 婴嬰 宫宮 宽寬 寿壽 尝嘗 尸屍 屡屢 岂豈 \
    币幣 库庫 庙廟 弑弒 彻徹 径徑 恒恆 惩懲 慑懾 凤鳳 凯凱 刹剎 剂劑剤 剧劇 劝勸勧 劲勁 厉厲 \
    厢廂 叠疊畳 吕呂 咏詠 咨諮 哑啞";

const FIRST: u16 = 0x4e00;
const LAST: u16 = 0x9fff;
const SIZE: usize = (LAST - FIRST + 1) as usize;

/// The form to compare in, by character; 0 where the character stands for itself.
static TABLE: [u16; SIZE] = table(FORMS.as_bytes());

/// Every character of `FORMS` is a space or takes three bytes of UTF-8.
#[expect(
    clippy::large_stack_arrays,
    reason = "evaluated when the program is compiled"
)]
const fn table(forms: &[u8]) -> [u16; SIZE] {
    let mut table = [0; SIZE];
    let (mut at, mut canonical) = (0, 0);
    while at < forms.len() {
        if forms[at] == b' ' {
            canonical = 0;
            at += 1;
            continue;
        }
        let c = (forms[at] as u16 & 0x0f) << 12
            | (forms[at + 1] as u16 & 0x3f) << 6
            | forms[at + 2] as u16 & 0x3f;
        if canonical == 0 {
            canonical = c;
        } else {
            table[(c - FIRST) as usize] = canonical;
        }
        at += 3;
    }
    table
}

/// The form of a Han character that texts are compared in.
pub fn canonical(c: char) -> char {
    let known = u16::try_from(u32::from(c))
        .ok()
        .and_then(|code| code.checked_sub(FIRST))
        .and_then(|at| TABLE.get(usize::from(at)));
    match known {
        Some(&form) if form != 0 => char::from_u32(u32::from(form)).unwrap_or(c),
        _ => c,
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn forms_of_one_character_are_compared_as_one() {
        let folded = |text: &str| text.chars().map(canonical).collect::<String>();
        assert_eq!(folded("米韓首脳會談"), folded("米韩首脑会谈"));
        assert_eq!(folded("平壌・平壤"), "平壤・平壤");
        // Two words of Chinese, or of Japanese and Chinese, stay two.
        assert_ne!(canonical('後'), canonical('后'));
        assert_ne!(canonical('円'), canonical('圆'));
        assert_eq!(folded("a한の"), "a한の");
    }

    #[test]
    fn a_form_to_compare_in_is_compared_as_itself() {
        for c in ('\u{4e00}'..='\u{9fff}').map(canonical) {
            assert_eq!(canonical(c), c);
        }
    }
}
